//! What every document store keeps to.

pub mod documents;

use std::sync::Arc;

use async_trait::async_trait;
use engine::ports::DocumentStore;

/// A document store under test.
#[async_trait]
pub trait DocumentStoreHarness: Send + Sync {
    /// A store that holds nothing.
    async fn start() -> Self
    where
        Self: Sized;

    /// The store.
    fn store(&self) -> Arc<dyn DocumentStore>;
}

/// Tests a document store: one test a rule.
#[macro_export]
macro_rules! document_store_suite {
    ($harness:ty) => {
        $crate::rules! { $harness, document_store, DocumentStoreHarness,
            documents {
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
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_rule_is_in_the_suite() {
        let suite = include_str!("mod.rs");
        crate::suite::assert_complete(suite, "documents", include_str!("documents.rs"));
    }
}
