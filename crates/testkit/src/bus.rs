//! A bus that loses news, to prove that nobody relies on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use contracts::News;
use engine::ports::{NewsStream, ProgressBus};

/// What a [`LossyBus`] drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Everything.
    All,
    /// So many of a hundred publications, chosen by the seed: the same ones in every run.
    Percent {
        /// 0 to 100.
        percent: u64,
        /// Chooses which.
        seed: u64,
    },
}

/// Passes news on to another bus, less what it drops without a word.
pub struct LossyBus {
    inner: Arc<dyn ProgressBus>,
    loss: Loss,
    published: AtomicU64,
}

impl LossyBus {
    /// A bus in front of `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn ProgressBus>, loss: Loss) -> Self {
        Self { inner, loss, published: AtomicU64::new(0) }
    }

    fn drops(&self, number: u64) -> bool {
        match self.loss {
            Loss::All => true,
            Loss::Percent { percent, seed } => mix(seed ^ mix(number)) % 100 < percent,
        }
    }
}

#[async_trait]
impl ProgressBus for LossyBus {
    async fn publish(&self, news: News) {
        let number = self.published.fetch_add(1, Ordering::Relaxed);
        if !self.drops(number) {
            self.inner.publish(news).await;
        }
    }

    async fn subscribe(&self) -> Box<dyn NewsStream> {
        self.inner.subscribe().await
    }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): every bit of the input reaches every bit of
/// the output.
const fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    #[async_trait]
    impl ProgressBus for Nowhere {
        async fn publish(&self, _: News) {}

        async fn subscribe(&self) -> Box<dyn NewsStream> {
            unreachable!("nobody listens")
        }
    }

    fn dropped(loss: Loss) -> Vec<u64> {
        let bus = LossyBus::new(Arc::new(Nowhere), loss);
        (0..1_000).filter(|number| bus.drops(*number)).collect()
    }

    #[test]
    fn a_bus_loses_the_share_that_it_was_told_to() {
        assert_eq!(dropped(Loss::All).len(), 1_000);
        assert!(dropped(Loss::Percent { percent: 0, seed: 1 }).is_empty());
        let half = dropped(Loss::Percent { percent: 50, seed: 1 });
        assert!((400..600).contains(&half.len()), "{}", half.len());
    }

    #[test]
    fn the_seed_chooses_what_is_lost() {
        let lost = |seed| dropped(Loss::Percent { percent: 50, seed });
        assert_eq!(lost(1), lost(1));
        assert_ne!(lost(1), lost(2));
    }
}
