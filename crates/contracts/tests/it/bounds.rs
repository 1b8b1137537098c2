//! The largest legal values still fit where they go.

use contracts::event::{EventBody, SourceRetrieved};
use contracts::{Code, Origin, Problem, limits, truncate_json};

use crate::samples;

/// The widest character of readable text (4 bytes), and the widest in JSON (6 bytes).
const WIDE: [&str; 2] = ["𝄞", "\u{1}"];
/// What is kept of a passage, a title and an address.
const EXCERPT_CHARS: usize = 1_200;
const TITLE_CHARS: usize = 500;
const URL_CHARS: usize = 2_000;

fn bytes(body: &EventBody) -> usize {
    let event = samples::enveloped(body, limits::EVENTS_PER_JOB_MAX);
    serde_json::to_vec(&event).expect("an event is JSON").len()
}

fn assert_fits(body: &EventBody) {
    let bytes = bytes(body);
    assert!(bytes <= limits::EVENT_BYTES_MAX, "{} has {bytes} bytes", body.kind());
}

#[test]
fn the_longest_request_fits_into_its_event() {
    for wide in WIDE {
        let asked = wide.repeat(*limits::QUESTION_CHARS.end());
        for mut body in samples::bodies() {
            if let EventBody::JobCreated(data) = &mut body {
                data.company_name = wide.repeat(*limits::COMPANY_NAME_CHARS.end());
                data.question = truncate_json(&asked, limits::EVENT_QUESTION_BYTES_MAX).to_owned();
                assert_fits(&body);
            }
        }
    }
}

#[test]
fn a_question_of_any_common_script_is_in_its_event_whole() {
    for common in ["e", "é", "€", "漢"] {
        let asked = common.repeat(*limits::QUESTION_CHARS.end());
        assert_eq!(truncate_json(&asked, limits::EVENT_QUESTION_BYTES_MAX), asked);
    }
}

#[test]
fn the_longest_problem_fits_into_every_event_that_carries_one() {
    for wide in WIDE {
        let endless = wide.repeat(100_000);
        let cause = Problem::new(Code::ModelOutputInvalid, Origin::Model, endless.clone());
        let mut problem = Problem::new(Code::AttemptsExhausted, Origin::Worker, endless)
            .in_trace(samples::trace().trace_id())
            .in_step("synthesize")
            .caused_by(&cause);
        problem.attempt = Some(10);
        for mut body in samples::bodies() {
            if let Some(error) = error_of(&mut body) {
                *error = problem.clone();
                assert_fits(&body);
            }
        }
    }
}

#[test]
fn the_longest_source_fits_into_its_event() {
    let [wide, _] = WIDE;
    let mut source = samples::source();
    source.company = wide.repeat(*limits::COMPANY_NAME_CHARS.end());
    source.excerpt = wide.repeat(EXCERPT_CHARS);
    source.title = wide.repeat(TITLE_CHARS);
    source.url = Some(format!("https://{}", "u".repeat(URL_CHARS)));
    let taken_over_from = Some(samples::job_id());
    assert_fits(&EventBody::SourceRetrieved(SourceRetrieved { source, taken_over_from }));
}

fn error_of(body: &mut EventBody) -> Option<&mut Problem> {
    match body {
        EventBody::JobAttemptFailed(data) => Some(&mut data.error),
        EventBody::JobFailed(data)
        | EventBody::JobTimedOut(data)
        | EventBody::JobExpired(data)
        | EventBody::JobCancelled(data) => Some(&mut data.error),
        EventBody::StepFailed(data) => Some(&mut data.error),
        EventBody::ToolCallFailed(data) => Some(&mut data.error),
        EventBody::JobCreated(_)
        | EventBody::JobStarted(_)
        | EventBody::JobRequeued(_)
        | EventBody::JobCancelRequested(_)
        | EventBody::JobSucceeded(_)
        | EventBody::StepStarted(_)
        | EventBody::StepProgress(_)
        | EventBody::StepCompleted(_)
        | EventBody::StepSkipped(_)
        | EventBody::ToolCallStarted(_)
        | EventBody::ToolCallCompleted(_)
        | EventBody::SourceRetrieved(_)
        | EventBody::OutputDelta(_)
        | EventBody::OutputReset(_) => None,
    }
}
