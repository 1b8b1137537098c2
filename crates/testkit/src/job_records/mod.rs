//! What the records of every store of jobs keep to.

pub mod honest;
pub mod model;
pub mod pages;

use std::sync::Arc;

use async_trait::async_trait;
use engine::ports::JobRecords;

use crate::job_store::JobStoreHarness;

/// The records of a store of jobs under test.
#[async_trait]
pub trait JobRecordsHarness: Send + Sync {
    /// Whether what it needs is here. If not, it has told [`crate::skip`] why.
    async fn is_available() -> bool
    where
        Self: Sized,
    {
        true
    }

    /// A store that holds nothing.
    async fn start() -> Self
    where
        Self: Sized;

    /// Another store of the same kind that holds nothing.
    async fn another(&self) -> Box<dyn JobRecordsHarness>;

    /// The store.
    fn jobs(&self) -> &dyn JobStoreHarness;

    /// Its records.
    fn records(&self) -> Arc<dyn JobRecords>;
}

/// Tests the records of a store of jobs: one test a rule.
#[macro_export]
macro_rules! job_records_suite {
    ($harness:ty) => {
        $crate::rules! { $harness, job_records, JobRecordsHarness,
            pages {
                every_job_is_read_once_in_the_order_of_the_ids,
                a_record_is_all_that_is_kept_of_a_job,
                reading_changes_nothing,
                known_jobs_are_read_again,
                a_page_shows_one_moment_while_jobs_move_on,
            }
            model {
                any_calls_of_honest_workers_leave_records_that_break_no_rule,
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use crate::suite::assert_complete;

    #[test]
    fn every_rule_is_in_the_suite() {
        let suite = include_str!("mod.rs");
        assert_complete(suite, "pages", include_str!("pages.rs"));
        assert_complete(suite, "model", include_str!("model.rs"));
    }
}
