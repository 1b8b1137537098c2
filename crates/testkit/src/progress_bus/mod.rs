//! What every bus keeps to.

pub mod news;

use std::sync::Arc;

use async_trait::async_trait;
use engine::ports::ProgressBus;

/// A bus under test.
#[async_trait]
pub trait ProgressBusHarness: Send + Sync {
    /// Whether the server that it needs is here. If not, it has said so ([`crate::skip`]), and the
    /// rule is not tested.
    fn is_available() -> bool
    where
        Self: Sized,
    {
        true
    }

    /// A bus without subscribers.
    async fn start() -> Self
    where
        Self: Sized;

    /// The bus. `None` once it was closed.
    fn bus(&self) -> Option<Arc<dyn ProgressBus>>;

    /// Shuts the bus down.
    async fn close(&self);
}

/// Tests a bus: one test a rule.
#[macro_export]
macro_rules! progress_bus_suite {
    ($harness:ty) => {
        $crate::rules! { $harness, progress_bus, ProgressBusHarness,
            news {
                every_subscriber_hears_what_is_published,
                what_was_published_before_is_not_heard,
                publishing_without_subscribers_is_no_error,
                a_slow_subscriber_holds_nobody_up,
                a_subscriber_that_leaves_disturbs_nobody,
                a_reader_that_gives_up_loses_no_news,
                a_closed_bus_ends_its_subscriptions,
            }
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_rule_is_in_the_suite() {
        let suite = include_str!("mod.rs");
        crate::suite::assert_complete(suite, "news", include_str!("news.rs"));
    }
}
