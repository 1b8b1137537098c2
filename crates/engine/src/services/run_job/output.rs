//! The answer while it is written: buffered, cut into deltas, paced.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use contracts::event::{OutputDelta, OutputReset};
use contracts::job::Usage;
use contracts::{EventBody, limits};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::ports::{OutputClosed, OutputSink};

/// Bytes that a model may be ahead of the store.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of an answer, altogether.
pub(super) const OUTPUT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of a delta's text as JSON, early in a log…
const DELTA_BYTES: usize = 4_000;
/// …and late in it, where events are scarce. The envelope around it stays within its bound.
const DELTA_BYTES_LATE: usize = 12_000;
/// The shortest time between two deltas, early in a log.
const DELTA_INTERVAL: Duration = Duration::from_millis(250);
/// The interval doubles every so many events, so that a whole hour of deltas fits into a log.
const EVENTS_PER_DOUBLING: u64 = 250;
/// Events that are kept free for everything but deltas.
const EVENTS_RESERVED: u64 = 100;

/// Where a model writes to and deltas are taken from.
#[derive(Clone, Default)]
pub(super) struct Output {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    content: Mutex<Content>,
    grown: Notify,
    drained: Notify,
}

#[derive(Default)]
struct Content {
    waiting: Waiting,
    /// Whether some of the answer was taken since it was last started over.
    is_shown: bool,
    total_bytes: usize,
    too_long: bool,
    spent: Usage,
}

/// What is to be shown next.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Why the answer starts over, if readers have seen some of it.
    reset: Option<String>,
    text: String,
}

impl Output {
    /// Whether the model wrote more than an answer may have.
    pub(super) fn is_too_long(&self) -> bool {
        self.lock().too_long
    }

    /// Takes what is waiting.
    pub(super) fn take(&self) -> Waiting {
        let mut content = self.lock();
        let waiting = std::mem::take(&mut content.waiting);
        content.is_shown |= !waiting.text.is_empty();
        drop(content);
        self.shared.drained.notify_one();
        waiting
    }

    /// Takes what was spent beside the answer.
    pub(super) fn take_spent(&self) -> Usage {
        std::mem::take(&mut self.lock().spent)
    }

    /// Waits until something is waiting and its time has come: enough of it, or `not_before`.
    ///
    /// # Cancel safety
    /// Takes nothing, so dropping the future loses nothing.
    pub(super) async fn due(&self, not_before: Instant, enough_bytes: usize) {
        loop {
            let grown = self.shared.grown.notified();
            let waiting = self.lock().waiting.text.len();
            if waiting >= enough_bytes || (waiting > 0 && Instant::now() >= not_before) {
                return;
            }
            if waiting > 0 {
                tokio::select! {
                    () = grown => {}
                    () = tokio::time::sleep_until(not_before) => {}
                }
            } else {
                grown.await;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.shared.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl OutputSink for Output {
    async fn push(&mut self, text: &str) -> Result<(), OutputClosed> {
        loop {
            let drained = self.shared.drained.notified();
            {
                let mut content = self.lock();
                if content.total_bytes + text.len() > OUTPUT_BYTES_MAX {
                    content.too_long = true;
                    return Err(OutputClosed);
                }
                if content.waiting.text.len() < BUFFER_BYTES_MAX {
                    content.total_bytes += text.len();
                    content.waiting.text.push_str(text);
                    self.shared.grown.notify_one();
                    return Ok(());
                }
            }
            drained.await;
        }
    }

    /// What was written before still counts towards the bound of an answer: it is in the log.
    fn reset(&mut self, reason: &str) {
        let mut content = self.lock();
        content.waiting.text.clear();
        if std::mem::take(&mut content.is_shown) {
            content.waiting.reset = Some(reason.to_owned());
        }
        drop(content);
        self.shared.drained.notify_one();
    }

    fn spent(&mut self, usage: Usage) {
        let mut content = self.lock();
        content.spent = content.spent.plus(usage);
    }
}

/// Cuts an answer into deltas, and says when the next one may follow.
pub(super) struct DeltaPacer {
    offset: usize,
    not_before: Instant,
}

impl DeltaPacer {
    /// The first delta may follow at once.
    pub(super) fn new() -> Self {
        Self { offset: 0, not_before: Instant::now() }
    }

    /// When the next delta may follow, unless enough is waiting.
    pub(super) const fn not_before(&self) -> Instant {
        self.not_before
    }

    /// How much is enough in a log of this length.
    pub(super) const fn enough_bytes(version: u64) -> usize {
        if version < limits::EVENTS_PER_JOB_MAX / 2 { DELTA_BYTES } else { DELTA_BYTES_LATE }
    }

    /// The events that show what was waiting, in a log of this length. A log that is nearly full
    /// shows no more of it; the result has it all. That the answer starts over is always shown.
    pub(super) fn events(&mut self, waiting: Waiting, version: u64) -> Vec<EventBody> {
        let doublings = u32::try_from(version / EVENTS_PER_DOUBLING).unwrap_or(u32::MAX).min(16);
        self.not_before = Instant::now() + DELTA_INTERVAL * 2u32.pow(doublings);
        let free = limits::EVENTS_PER_JOB_MAX.saturating_sub(EVENTS_RESERVED + version);
        let Waiting { reset, text } = waiting;
        let mut events = Vec::new();
        if let Some(reason) = reset {
            self.offset = 0;
            events.push(EventBody::OutputReset(OutputReset { reason }));
        }
        for piece in pieces(&text, Self::enough_bytes(version)) {
            if events.len() as u64 >= free {
                break;
            }
            let delta = OutputDelta { offset: self.offset, text: piece.to_owned() };
            self.offset += piece.chars().count();
            events.push(EventBody::OutputDelta(delta));
        }
        events
    }
}

/// Cuts `text` into pieces of at most `max_bytes` each as JSON.
fn pieces(text: &str, max_bytes: usize) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut bytes = 0;
        let end = rest
            .char_indices()
            .find(|(_, c)| {
                bytes += json_bytes(*c);
                bytes > max_bytes
            })
            .map_or(rest.len(), |(index, _)| index);
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// Bytes of a character within a JSON string.
const fn json_bytes(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        '\0'..='\u{1f}' => 6,
        _ => c.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(text: &str) -> Waiting {
        Waiting { reset: None, text: text.to_owned() }
    }

    proptest! {
        #[test]
        fn deltas_add_up_to_the_text_and_stay_within_their_bound(
            texts in proptest::collection::vec("\\PC{0,9000}|[\u{0}-\u{1f}\"]{0,3000}", 0..4),
            version in 0u64..1_700,
        ) {
            let mut pacer = DeltaPacer::new();
            let mut shown = String::new();
            for piece in &texts {
                for event in pacer.events(text(piece), version) {
                    let EventBody::OutputDelta(delta) = &event else { panic!("{event:?}") };
                    prop_assert_eq!(delta.offset, shown.chars().count());
                    shown.push_str(&delta.text);
                    let bytes = serde_json::to_vec(&event).unwrap().len();
                    prop_assert!(bytes < limits::EVENT_BYTES_MAX - 1_024);
                }
            }
            prop_assert_eq!(shown, texts.concat());
        }
    }

    #[test]
    fn a_log_never_outgrows_its_cap() {
        let mut pacer = DeltaPacer::new();
        let near_the_cap = limits::EVENTS_PER_JOB_MAX - EVENTS_RESERVED - 1;
        assert_eq!(pacer.events(text(&"x".repeat(100_000)), near_the_cap).len(), 1);
        assert!(pacer.events(text("x"), near_the_cap + 1).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_waits_for_the_store_when_it_is_too_far_ahead() {
        let output = Output::default();
        let mut sink = output.clone();
        sink.push(&"x".repeat(BUFFER_BYTES_MAX)).await.unwrap();
        let blocked = tokio::time::timeout(Duration::from_secs(1), sink.push("y")).await;
        assert!(blocked.is_err());
        output.take();
        sink.push("y").await.unwrap();
        assert_eq!(output.take(), text("y"));
    }

    #[tokio::test]
    async fn an_answer_that_starts_over_is_reset_where_some_of_it_was_shown() {
        let output = Output::default();
        let mut sink = output.clone();
        let mut pacer = DeltaPacer::new();
        sink.push("unseen").await.unwrap();
        sink.reset("nobody saw it");
        sink.push("seen").await.unwrap();
        let shown = pacer.events(output.take(), 1);
        let delta = |offset, text: &str| {
            EventBody::OutputDelta(OutputDelta { offset, text: text.to_owned() })
        };
        assert_eq!(shown, [delta(0, "seen")]);

        sink.push(" and never shown").await.unwrap();
        sink.reset("it is written again");
        sink.push("new").await.unwrap();
        let shown = pacer.events(output.take(), 2);
        let reset = OutputReset { reason: "it is written again".to_owned() };
        assert_eq!(shown, [EventBody::OutputReset(reset), delta(0, "new")]);
        assert_eq!(pacer.events(output.take(), 4), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_delta_waits_for_its_interval_and_a_large_one_does_not() {
        let output = Output::default();
        let mut sink = output.clone();
        let start = Instant::now();
        let later = start + DELTA_INTERVAL;
        sink.push("small").await.unwrap();
        output.due(later, DELTA_BYTES).await;
        assert!(Instant::now() >= later);
        sink.push(&"x".repeat(DELTA_BYTES)).await.unwrap();
        let much_later = later + Duration::from_secs(60);
        output.due(much_later, DELTA_BYTES).await;
        assert!(Instant::now() < much_later);
    }
}
