use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;

use super::{Format, ONE_SHOT_FILTER, Options, SERVER_FILTER, TelemetryError, panics, subscriber};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn logged(filter: &str, format: Format, act: impl FnOnce()) -> String {
    let lines = Lines::default();
    let options = Options { filter: filter.to_owned(), format };
    let subscriber = subscriber(&options, lines.clone()).unwrap();
    tracing::subscriber::with_default(subscriber, act);
    lines.text()
}

fn only_object(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_json_line_is_one_object_with_the_events_fields_at_its_top() {
    let text = logged(SERVER_FILTER, Format::Json, || {
        let _span = tracing::info_span!("attempt", job = "j1").entered();
        tracing::info!(step = "plan", "step done\nwell");
    });
    let line = only_object(&text);
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["message"], "step done\nwell");
    assert_eq!(line["step"], "plan");
    assert_eq!(line["span"]["job"], "j1");
}

#[test]
fn text_is_not_json() {
    let text = logged(SERVER_FILTER, Format::Text, || tracing::info!(step = "plan", "done"));
    assert!(text.contains("done"));
    assert!(serde_json::from_str::<Value>(&text).is_err());
}

#[test]
fn a_one_shot_command_is_quiet_and_a_server_is_not() {
    let act = || tracing::info!("all is well");
    assert_eq!(logged(ONE_SHOT_FILTER, Format::Json, act), "");
    assert_ne!(logged(SERVER_FILTER, Format::Json, act), "");
}

#[test]
fn a_filter_that_cannot_be_read_is_an_error_that_names_it() {
    let options = Options { filter: "engine=loud".to_owned(), format: Format::Auto };
    let refused = subscriber(&options, Lines::default()).err();
    assert!(
        matches!(&refused, Some(TelemetryError::Filter { filter, .. }) if filter == "engine=loud"),
        "{refused:?}"
    );
}

#[test]
fn a_panic_is_logged_once_with_its_place_and_thread() {
    let text = logged(SERVER_FILTER, Format::Json, || {
        let _held = panics::LoggedPanics::install();
        let result = std::panic::catch_unwind(|| panic!("out of {}", "luck"));
        assert!(result.is_err());
    });
    let line = only_object(&text);
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["message"], "panicked: out of luck");
    assert!(line["location"].as_str().unwrap().contains("tests.rs:"), "{line}");
    let thread = std::thread::current();
    assert_eq!(line["thread"], thread.name().unwrap_or("unnamed"));
}
