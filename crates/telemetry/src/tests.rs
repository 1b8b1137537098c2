use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use contracts::{JobId, TraceContext, WorkerId};
use serde_json::Value;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use super::spans::{self, Attempt, Request};
use super::{Format, ONE_SHOT_FILTER, SERVER_FILTER, TelemetryError, log, panics};

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
    let log = log(filter, format, lines.clone()).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(log), act);
    lines.text()
}

/// The text without its colours.
fn plain(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or(part, |(_, rest)| rest))
}

fn only_object(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_json_line_is_one_object_with_the_events_fields_at_its_top() {
    let text = logged(SERVER_FILTER, Format::Json, || {
        tracing::info!(tool = "calculator", calls = 2, "tools called\nwell");
    });
    let line = only_object(&text);
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["target"], "telemetry::tests");
    assert_eq!(line["message"], "tools called\nwell");
    assert_eq!((&line["tool"], &line["calls"]), (&"calculator".into(), &2.into()));
    assert_eq!(line.as_object().unwrap().len(), 6, "{line}");
}

#[test]
fn a_line_carries_the_ids_of_all_that_is_around_it_whatever_is_logged() {
    let (job_id, trace) = (JobId::new(), TraceContext::begin(1.0));
    let attempt = || {
        spans::attempt(&Attempt {
            job_id,
            number: 2,
            worker: WorkerId::new(),
            trace: &trace,
            brought_by: None,
        })
    };
    let text = logged(ONE_SHOT_FILTER, Format::Json, || {
        attempt().in_scope(|| {
            spans::step("retrieve").in_scope(|| {
                tracing::error_span!("a library's own").in_scope(|| tracing::error!("failed"));
            });
        });
    });
    let line = only_object(&text);
    assert_eq!(line["job_id"], job_id.to_string());
    assert_eq!((&line["attempt"], &line["step"]), (&2.into(), &"retrieve".into()));
    assert_eq!(line["trace_id"], trace.trace_id());
    let text = logged(ONE_SHOT_FILTER, Format::Text, || {
        attempt().in_scope(|| tracing::error!(attempt = 7, "failed"));
    });
    let trace_id = trace.trace_id();
    let rest = format!("failed attempt=7 job_id={job_id} trace_id={trace_id}\n");
    assert!(plain(&text).ends_with(&rest), "{text}");
}

#[test]
fn a_request_that_came_with_a_trace_goes_on_in_it() {
    let trace = TraceContext::begin(1.0);
    let request = Request {
        method: "GET",
        path: "/v1/analysis",
        route: None,
        is_of_client: true,
        id: "r-1",
        trace: Some(&trace),
    };
    let text = logged(SERVER_FILTER, Format::Json, || {
        let (span, goes_on) = spans::request(&request);
        assert_eq!(goes_on, trace);
        span.in_scope(|| tracing::warn!("slow"));
    });
    let line = only_object(&text);
    assert_eq!(line["request_id"], "r-1");
    assert_eq!(line["trace_id"], trace.trace_id());
}

#[test]
fn an_error_is_one_text_with_all_its_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("the store is out")]
    struct Out(#[source] io::Error);
    let error = Out(io::Error::other(io::Error::other("no route")));
    for format in [Format::Json, Format::Text] {
        let text = logged(SERVER_FILTER, format, || {
            tracing::warn!(error = &error as &dyn std::error::Error, "not swept");
        });
        assert!(text.contains("the store is out: no route"), "{text}");
        assert_eq!(text.matches("no route").count(), 1, "{text}");
    }
}

#[test]
fn text_is_one_line_whatever_is_in_it() {
    let text = logged(SERVER_FILTER, Format::Text, || {
        tracing::info!(detail = "a\nb\u{1b}[2J", "c\rd");
    });
    let rest = "INFO telemetry::tests: c\\rd detail=a\\nb\\u{1b}[2J\n";
    assert!(plain(&text).ends_with(rest), "{text:?}");
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
    let refused = log("engine=loud", Format::Auto, Lines::default()).err();
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
