use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(5);

/// Waits until a condition gives a value, and returns it.
///
/// # Panics
/// If that takes longer than `deadline`.
pub async fn eventually<T, F>(deadline: Duration, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < end, "the condition did not come true within {deadline:?}");
        tokio::time::sleep(INTERVAL).await;
    }
}
