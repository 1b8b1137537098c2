//! What every queue of hints keeps to.

pub mod hints;

use std::sync::Arc;

use async_trait::async_trait;
use engine::ports::HintQueue;

/// A queue under test.
#[async_trait]
pub trait HintQueueHarness: Send + Sync {
    /// Whether the server that it needs is here. If not, it has said so ([`crate::skip`]), and the
    /// rule is not tested.
    fn is_available() -> bool
    where
        Self: Sized,
    {
        true
    }

    /// A queue that holds nothing.
    async fn start() -> Self
    where
        Self: Sized;

    /// The queue.
    fn queue(&self) -> Arc<dyn HintQueue>;

    /// The number of hints that it holds at the most; at least 4.
    fn capacity(&self) -> usize;

    /// Shuts the queue down.
    async fn close(&self);
}

/// Tests a queue of hints: one test a rule.
#[macro_export]
macro_rules! hint_queue_suite {
    ($harness:ty) => {
        $crate::rules! { $harness, hint_queue, HintQueueHarness,
            hints {
                a_hint_is_delivered_to_one_receiver,
                a_settled_hint_is_not_delivered_again,
                a_hint_that_is_given_back_is_delivered_again,
                a_delivery_that_is_dropped_is_delivered_again,
                a_full_queue_refuses,
                a_settled_hint_makes_room,
                a_receiver_that_gives_up_loses_no_hint,
                a_waiting_receiver_is_woken,
                many_receivers_share_many_hints,
                a_closed_queue_tells_its_receivers,
            }
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_rule_is_in_the_suite() {
        let suite = include_str!("mod.rs");
        crate::suite::assert_complete(suite, "hints", include_str!("hints.rs"));
    }
}
