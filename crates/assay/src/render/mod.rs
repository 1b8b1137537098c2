//! What a person sees in a terminal.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use contracts::{AnalysisResult, Event, EventBody, Job};
use indicatif::{ProgressBar, ProgressStyle};

/// Writes a line to standard output. A reader that has gone away, such as `head`, is no error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// An answer with its numbered sources and its confidence.
pub(crate) fn answer(result: &AnalysisResult) -> String {
    let mut text = with_numbers(result);
    text.push_str("\n\nSources\n");
    for (index, source) in result.sources.iter().enumerate() {
        let _ = writeln!(text, "  [{}] {}", index + 1, source.place());
        if let Some(url) = &source.url {
            let _ = writeln!(text, "      {url}");
        }
    }
    let confidence = &result.confidence;
    let _ = write!(
        text,
        "\nConfidence {:.2} ({}): {}",
        confidence.value, confidence.method, confidence.basis
    );
    for gap in &result.gaps {
        let _ = write!(text, "\nMissing: {gap}");
    }
    text
}

/// Why there is no answer, and what to do about it.
pub(crate) fn no_answer(job: &Job) -> String {
    let mut text = format!("No answer: the job {} has {}.", job.id, job.state);
    if let Some(error) = &job.error {
        let _ = write!(text, "\n{} ({}): {}", error.title, error.code, error.detail);
        if error.retryable == Some(true) {
            text.push_str("\nTrying again may help.");
        }
    }
    text
}

/// The summary, each cited part followed by the numbers of its sources.
fn with_numbers(result: &AnalysisResult) -> String {
    let number = |citation: &contracts::result::Citation| {
        result.sources.iter().position(|source| source.id == citation.source_id)
    };
    let mut marks: Vec<(usize, usize)> = result
        .citations
        .iter()
        .filter_map(|citation| number(citation).map(|index| (citation.end, index + 1)))
        .collect();
    marks.sort_unstable();
    marks.dedup();
    let mut text = String::new();
    let mut marks = marks.into_iter().peekable();
    let end = result.summary.chars().count();
    for (offset, c) in result.summary.chars().map(Some).chain([None]).enumerate() {
        while let Some((_, number)) = marks.next_if(|(at, _)| *at == offset || offset == end) {
            let _ = write!(text, " [{number}]");
        }
        text.extend(c);
    }
    text
}

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
                self.bar.println(format!("✗ {:<10} {}", data.step, data.error.detail));
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

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
