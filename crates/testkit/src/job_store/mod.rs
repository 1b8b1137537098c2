//! What every store of jobs keeps to.

pub mod backlogs;
pub mod claims;
pub mod deletions;
pub mod endings;
pub mod given;
pub mod invariants;
pub mod leases;
pub mod model;
pub mod pipelines;
pub mod positions;
pub mod reads;
pub mod refills;
pub mod submissions;
pub mod table;
pub mod writes;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::ports::JobStore;

/// A store of jobs under test.
#[async_trait]
pub trait JobStoreHarness: Send + Sync {
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
    async fn fresh(&self) -> Box<dyn JobStoreHarness>;

    /// The store.
    fn store(&self) -> Arc<dyn JobStore>;

    /// Lets this much time pass for the store.
    async fn pass(&self, time: Duration);
}

/// Tests a store of jobs: one test a rule.
#[macro_export]
macro_rules! job_store_suite {
    ($harness:ty) => {
        $crate::rules! { $harness, job_store, JobStoreHarness,
            submissions {
                an_accepted_job_is_there_with_its_first_event,
                the_same_id_submitted_again_is_the_same_job,
                the_same_key_and_request_is_a_replay,
                a_key_with_another_request_is_refused,
                a_key_is_its_tenants_own,
                concurrent_submissions_with_one_key_create_one_job,
                steps_taken_over_are_done_before_the_first_attempt,
                a_poisoned_submission_fails_alone,
                text_is_kept_exactly,
            }
            reads {
                tenants_never_see_each_other,
                a_list_is_newest_first_and_stable_while_jobs_come,
                each_filter_restricts_the_list,
                a_log_is_read_in_pages,
                a_page_of_a_log_is_bounded_in_bytes_and_never_empty,
                the_log_reads_as_it_was_committed,
                heads_tell_the_newest_version_of_known_jobs,
            }
            claims {
                a_claim_raises_the_epoch_and_begins_an_attempt,
                one_of_many_concurrent_claims_wins,
                a_job_that_is_not_due_is_not_claimed,
                a_job_of_another_workflow_is_not_claimed,
                a_failed_attempt_waits_for_its_time,
                a_job_without_attempts_left_fails,
                a_postponed_job_waits_for_its_time_without_a_failure,
                however_often_it_is_postponed_a_job_keeps_its_attempts,
                a_released_job_is_queued_without_a_failure,
                a_commit_says_how_its_job_stood_before,
            }
            writes {
                a_stale_epoch_cannot_write,
                another_worker_cannot_write,
                a_repeated_write_is_known_as_one,
                a_write_ahead_of_its_turn_is_fenced,
                a_worker_that_let_go_cannot_write,
                only_the_holders_changes_are_written,
                a_cancelled_worker_can_only_confirm,
                a_checkpoint_outlives_the_lease,
                a_checkpoint_and_its_events_commit_together,
                a_poisoned_write_fails_alone,
                what_is_spent_adds_up,
                a_result_is_kept_whole_whatever_its_size,
            }
            leases {
                a_lost_lease_gives_the_job_back_and_counts_a_crash,
                the_third_crash_ends_the_job,
                a_checkpoint_starts_the_count_of_crashes_over,
                a_renewed_lease_is_not_lost,
                silence_while_nobody_swept_proves_nothing,
                a_retired_workers_jobs_are_given_back_at_once,
                a_heartbeat_learns_of_cancels,
                a_cancelled_job_of_a_dead_worker_is_cancelled,
                a_released_job_counts_no_crash_when_its_worker_dies,
            }
            endings {
                a_waiting_job_is_cancelled_at_once,
                a_second_cancel_changes_nothing,
                an_ended_job_is_not_cancelled,
                a_sweep_settles_a_cancel_that_nobody_confirms,
                a_sweep_ends_what_is_overdue,
                a_postponed_job_ends_at_its_deadline,
                a_read_of_an_overdue_job_ends_it,
                a_log_says_whether_its_job_is_overdue,
                a_cancel_of_an_overdue_job_comes_too_late,
                a_sweep_is_bounded_and_says_whether_more_remains,
                a_job_past_its_retention_is_gone_and_later_forgotten,
                the_parts_of_the_timeline_add_up,
            }
            deletions {
                an_ended_job_is_deleted_with_everything_of_it,
                a_job_that_has_not_ended_is_not_deleted,
                a_deleted_job_is_gone_for_its_tenant_and_later_forgotten,
                only_its_own_tenant_deletes_a_job,
                one_of_many_concurrent_deletions_deletes,
            }
            refills {
                a_refill_fills_the_window_and_no_more,
                only_jobs_that_are_due_are_hinted,
                within_a_tenant_started_then_urgent_jobs_come_first,
                tenants_take_turns,
                a_tenant_with_less_running_goes_first,
                one_at_a_time_no_tenant_starves,
                an_unclaimed_hint_is_sent_again,
                each_hint_in_vain_doubles_the_wait_for_the_next,
                a_hint_that_is_known_to_be_lost_does_not_wait_longer_each_time,
                a_submission_that_is_hinted_counts_as_the_first_hint,
                what_is_recorded_of_a_job_ends_the_count_of_its_hints,
                a_hint_that_was_not_sent_does_not_count,
                a_hint_that_was_not_sent_is_taken_again,
                a_submission_is_hinted_while_there_is_room_and_nobody_waits,
                a_job_given_back_is_hinted_again,
            }
            pipelines {
                a_job_gets_the_newest_workflow_that_all_live_workers_know,
                a_claim_says_what_its_worker_knows,
                workers_without_a_common_workflow_run_their_own,
                a_job_is_left_to_those_who_know_its_workflow,
                a_job_whose_workflow_nobody_knows_any_more_starts_over,
                no_workflow_is_retired_while_nobody_sweeps,
                steps_taken_over_bind_a_job_to_their_workflow,
            }
            positions {
                positions_follow_the_order_of_a_refill,
                a_hint_puts_a_job_ahead_of_all_without,
                a_claim_moves_up_those_behind,
                another_tenants_jobs_move_no_position,
                only_a_job_that_waits_for_a_worker_has_a_position,
                a_job_beyond_the_last_position_has_none,
            }
            backlogs {
                a_backlog_has_what_is_due_held_and_backing_off,
                a_backlog_is_as_old_as_its_oldest_due_job,
                a_backlog_is_counted_up_to_a_limit,
            }
            invariants {
                a_log_has_no_holes_under_concurrent_writes_and_cancels,
            }
            model {
                any_calls_leave_rows_that_their_logs_describe,
            }
            table {
                every_state_takes_the_changes_that_the_machine_takes,
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
        assert_complete(suite, "submissions", include_str!("submissions.rs"));
        assert_complete(suite, "reads", include_str!("reads.rs"));
        assert_complete(suite, "claims", include_str!("claims.rs"));
        assert_complete(suite, "writes", include_str!("writes.rs"));
        assert_complete(suite, "leases", include_str!("leases.rs"));
        assert_complete(suite, "endings", include_str!("endings.rs"));
        assert_complete(suite, "deletions", include_str!("deletions.rs"));
        assert_complete(suite, "refills", include_str!("refills.rs"));
        assert_complete(suite, "pipelines", include_str!("pipelines.rs"));
        assert_complete(suite, "positions", include_str!("positions.rs"));
        assert_complete(suite, "backlogs", include_str!("backlogs.rs"));
        assert_complete(suite, "invariants", include_str!("invariants.rs"));
        assert_complete(suite, "model", include_str!("model.rs"));
        assert_complete(suite, "table", include_str!("table.rs"));
    }
}
