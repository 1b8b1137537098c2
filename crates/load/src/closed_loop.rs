//! Clients that ask, wait for the answer, and ask again.

use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

/// What came of a load.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    /// How long each answer took, shortest first.
    latencies: Vec<Duration>,
    /// From the first request to the last answer.
    took: Duration,
}

/// Lets so many clients ask for this long. What is under way then is waited for, and counts.
///
/// # Errors
/// The first that any client meets: a load that is not answered is not measured.
pub(crate) async fn closed_loop<F>(
    clients: u32,
    time: Duration,
    ask: impl Fn() -> F,
) -> anyhow::Result<Sample>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let began = Instant::now();
    let one = || async {
        let mut latencies = Vec::new();
        while began.elapsed() < time {
            let asked = Instant::now();
            ask().await?;
            latencies.push(asked.elapsed());
        }
        anyhow::Ok(latencies)
    };
    let all = try_join_all((0..clients).map(|_| one())).await?;
    let took = began.elapsed();
    let mut latencies: Vec<Duration> = all.into_iter().flatten().collect();
    latencies.sort_unstable();
    Ok(Sample { latencies, took })
}

impl Sample {
    /// Answers.
    pub(crate) const fn count(&self) -> usize {
        self.latencies.len()
    }

    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        self.count() as f64 / self.took.as_secs_f64()
    }

    /// The shortest latency that so many percent of the answers did not exceed (nearest rank).
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.count() * percent).div_ceil(100);
        self.latencies.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_client_asks_again_once_it_is_answered() {
        let ask = || async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            anyhow::Ok(())
        };
        let sample = closed_loop(4, Duration::from_secs(1), ask).await.unwrap();
        assert_eq!(sample.count(), 400);
        assert_eq!(sample.percentile(50), Duration::from_millis(10));
        assert!((sample.rate() - 400.0).abs() < 1e-9);
    }

    #[tokio::test]
    async fn an_error_ends_the_load() {
        let ask = || async { anyhow::bail!("refused") };
        assert!(closed_loop(2, Duration::from_secs(60), ask).await.is_err());
    }

    #[test]
    fn a_percentile_is_a_latency_that_was_seen() {
        let latencies = (1..=200).map(Duration::from_millis).collect();
        let sample = Sample { latencies, took: Duration::from_secs(1) };
        for (percent, ms) in [(0, 1), (1, 2), (50, 100), (99, 198), (100, 200)] {
            assert_eq!(sample.percentile(percent), Duration::from_millis(ms), "{percent}");
        }
        let nothing = Sample { latencies: Vec::new(), took: Duration::from_secs(1) };
        assert_eq!(nothing.percentile(99), Duration::ZERO);
    }
}
