//! What every document store keeps to.

pub mod documents;
pub mod readings;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contracts::{Document, TenantId};
use engine::ports::{Corpus, DocumentStore, NewDocument, ReadDocument, ReadOutcome};
use engine::reading::LEASE;

/// A document store under test.
#[async_trait]
pub trait DocumentStoreHarness: Send + Sync {
    /// Whether the server that it needs is here. If not, it has said so ([`crate::skip`]), and the
    /// rule is not tested.
    fn is_available() -> bool
    where
        Self: Sized,
    {
        true
    }

    /// A store that holds nothing.
    async fn start() -> Self
    where
        Self: Sized;

    /// The store.
    fn store(&self) -> Arc<dyn DocumentStore>;

    /// What the store's documents say.
    fn corpus(&self) -> Arc<dyn Corpus>;

    /// Lets this much time pass for the store.
    async fn pass(&self, time: Duration);
}

/// Tests a document store: one test a rule.
#[macro_export]
macro_rules! document_store_suite {
    ($harness:ty) => {
        $crate::rules! { $harness, document_store, DocumentStoreHarness,
            documents {
                a_document_says_nothing_until_it_is_read,
                a_document_is_stored_with_its_passages,
                the_same_bytes_for_the_same_company_are_stored_once,
                concurrent_puts_of_one_document_store_it_once,
                every_change_raises_the_generation_by_one,
                changes_are_read_in_order_and_in_pages,
                an_index_ahead_of_the_store_learns_the_true_head,
                documents_are_listed_oldest_first_in_pages,
                tenants_have_documents_of_their_own,
                a_document_is_kept_exactly,
            }
            readings {
                a_document_is_claimed_with_its_bytes_and_by_one_reader,
                older_documents_are_read_first_and_tenants_take_turns,
                a_lease_that_is_renewed_does_not_pass,
                a_lease_that_passed_gives_the_document_back,
                an_older_epoch_writes_nothing,
                a_document_that_is_released_can_be_claimed_at_once_and_counts_no_crash,
                a_document_that_kills_its_readers_is_given_up,
                a_document_whose_time_is_over_fails_though_it_is_held,
                a_document_that_waits_is_never_too_late,
                a_document_that_failed_says_why_and_nothing_else,
                a_document_that_failed_may_be_tried_again,
                concurrent_claims_share_the_documents,
            }
        }
    };
}

/// Takes a document in to its end: what it says, if it is new.
pub(crate) async fn ready(
    store: &dyn DocumentStore,
    tenant: &TenantId,
    new: NewDocument,
    says: ReadDocument,
) -> Document {
    let id = store.accept(tenant, new).await.expect("accepted").id;
    let claimed = store.claim(LEASE).await.expect("claimed").expect("a document to read");
    assert_eq!(claimed.hold.id, id, "the only document that was waiting");
    let ended = store.finish(claimed.hold, ReadOutcome::Read(says)).await.expect("finished");
    ended.expect("it was held")
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_rule_is_in_the_suite() {
        let suite = include_str!("mod.rs");
        crate::suite::assert_complete(suite, "documents", include_str!("documents.rs"));
        crate::suite::assert_complete(suite, "readings", include_str!("readings.rs"));
    }
}
