use std::time::Duration;

use contracts::{Event, EventBody};
use indicatif::{ProgressBar, ProgressStyle};

use super::plain;

/// A line per finished step and a live one for the current step, on standard error; nothing where
/// that is no terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
    sources: usize,
}

impl Progress {
    pub(crate) fn start() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message("waiting");
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, sources: 0 }
    }

    /// Shows an event, given as its envelope's JSON.
    pub(crate) fn show(&mut self, event: &str) {
        let Ok(event) = serde_json::from_str::<Event>(event) else { return };
        match event.body() {
            Some(EventBody::StepStarted(data)) => self.bar.set_message(data.step),
            Some(EventBody::StepCompleted(data)) => {
                self.bar.println(format!("✓ {:<10} {:>6} ms", data.step, data.duration_ms));
            }
            Some(EventBody::StepFailed(data)) => {
                self.bar.println(format!("✗ {:<10} {}", data.step, plain(&data.error.detail)));
            }
            Some(EventBody::SourceRetrieved(_)) => {
                self.sources += 1;
                self.bar.set_message(format!("{} sources", self.sources));
            }
            Some(EventBody::JobAttemptFailed(data)) if data.will_retry => {
                self.bar.set_message("waiting for the next attempt");
            }
            Some(_) | None => {}
        }
    }

    /// Shows what is going on instead of an event.
    pub(crate) fn says(&self, message: &'static str) {
        self.bar.set_message(message);
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
