//! No public wire type goes without a snapshot and a fixture: read from the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::samples;

/// Every public wire type with a sample that shows it: itself, or something it is part of.
const SHOWN_IN: &[(&str, &str)] = &[
    ("AnalysisResult", "result"),
    ("Attempt", "job_retrying"),
    ("AttemptOutcome", "words_attempt_outcome"),
    ("Budget", "submission"),
    ("CancelRequest", "cancel_request"),
    ("Cause", "problem"),
    ("Citation", "result"),
    ("ClientFrame", "client_frame_subscribe"),
    ("ClosingReason", "words_closing_reason"),
    ("Code", "problem_registry"),
    ("Completeness", "words_completeness"),
    ("Confidence", "result"),
    ("Document", "document_ready"),
    ("DocumentState", "words_document_state"),
    ("Event", "event_job_created"),
    ("EventBody", "event_job_created"),
    ("EventPage", "event_page"),
    ("FieldError", "problem"),
    ("Hint", "hint"),
    ("Job", "job_succeeded"),
    ("JobAttemptFailed", "event_job_attempt_failed"),
    ("JobCancelRequested", "event_job_cancel_requested"),
    ("JobCreated", "event_job_created"),
    ("JobEndedWithError", "event_job_failed"),
    ("JobPage", "job_page"),
    ("JobRequeued", "event_job_requeued"),
    ("JobStarted", "event_job_started"),
    ("JobState", "words_job_state"),
    ("JobSucceeded", "event_job_succeeded"),
    ("Limits", "limits"),
    ("Links", "job_queued"),
    ("News", "news"),
    ("OnStepFailure", "words_on_step_failure"),
    ("Origin", "words_origin"),
    ("OutputDelta", "event_output_delta"),
    ("OutputReset", "event_output_reset"),
    ("PartialResult", "partial_result"),
    ("Problem", "problem"),
    ("RequeueReason", "words_requeue_reason"),
    ("SimpleResult", "simple_result"),
    ("Source", "result"),
    ("SourceId", "result"),
    ("SourceRetrieved", "event_source_retrieved"),
    ("Step", "job_running"),
    ("StepCompleted", "event_step_completed"),
    ("StepFailed", "event_step_failed"),
    ("StepKind", "words_step_kind"),
    ("StepMark", "event_step_started"),
    ("StepProgress", "event_step_progress"),
    ("StepSkipped", "event_step_skipped"),
    ("StepState", "words_step_state"),
    ("StreamControl", "stream_ready"),
    ("StreamMode", "words_stream_mode"),
    ("Submission", "submission"),
    ("TenantId", "tenant"),
    ("Ticket", "ticket"),
    ("TicketJob", "ticket"),
    ("TicketRequest", "ticket_request"),
    ("Timeline", "job_running"),
    ("ToolCall", "event_tool_call_started"),
    ("ToolCallFailed", "event_tool_call_failed"),
    ("Usage", "job_running"),
    ("Webhook", "submission"),
];

#[test]
fn every_public_wire_type_has_a_snapshot_and_a_fixture() {
    let shown: BTreeSet<String> = SHOWN_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(public_wire_types(), shown, "name the sample that shows a new type");
    let samples: BTreeSet<String> = samples::all().into_iter().map(|s| s.name).collect();
    for (name, sample) in SHOWN_IN {
        assert!(samples.contains(*sample), "{name}: there is no sample {sample}");
    }
}

#[test]
fn every_event_type_has_a_snapshot_and_a_fixture() {
    let source = fs::read_to_string(sources().join("event/mod.rs")).unwrap();
    let renamed = source.split("#[serde(rename = \"").skip(1);
    let kinds: BTreeSet<&str> = renamed.filter_map(|rest| rest.split('"').next()).collect();
    let kinds: BTreeSet<&str> = kinds.into_iter().filter(|kind| kind.contains('.')).collect();
    let bodies = samples::bodies();
    let sampled: BTreeSet<&str> = bodies.iter().map(|body| body.kind()).collect();
    assert_eq!(kinds, sampled);
}

#[test]
fn no_two_samples_have_one_name() {
    let samples = samples::all();
    let names: BTreeSet<&str> = samples.iter().map(|sample| sample.name.as_str()).collect();
    assert_eq!(names.len(), samples.len());
}

/// The types whose declaration derives `Serialize`.
fn public_wire_types() -> BTreeSet<String> {
    let mut types = BTreeSet::new();
    let mut paths = vec![sources()];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("the crate has sources");
            paths.extend(entries.map(|entry| entry.expect("a file").path()));
            continue;
        }
        let source = fs::read_to_string(path).expect("a source is text");
        let mut derives = false;
        for line in source.lines().map(str::trim_start) {
            derives |= line.starts_with("#[derive(") && line.contains("Serialize");
            let declared =
                line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
            if let Some(rest) = declared {
                let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
                // A name that a macro fills in is not here to be read: ids are shown in jobs.
                if std::mem::take(&mut derives) && !name.is_empty() {
                    types.insert(name);
                }
            }
        }
    }
    types
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
