//! The list in docs/metrics.md against what is exported, and what no value can do to it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use contracts::event::RequeueReason;
use contracts::job::{AttemptOutcome, Usage};
use contracts::{Code, JobState};
use opentelemetry_sdk::Resource;

use super::instruments::Named;
use super::{
    Outcome, documents, export, exposition, hints, http, jobs, messages, models, process, steps,
    store, streams, workers,
};

const DOCUMENT: &str = include_str!("../../../../docs/metrics.md");
const SECOND: Duration = Duration::from_secs(1);

/// An instrument: its kind and its unit, by name.
static INSTRUMENTS: Mutex<BTreeMap<&str, (&str, &str)>> = Mutex::new(BTreeMap::new());

pub(super) fn note(kind: &'static str, named: &Named) {
    INSTRUMENTS.lock().unwrap().insert(named.name, (kind, named.unit));
}

/// What a process shows that was only just set up.
static AT_START: LazyLock<String> = LazyLock::new(|| {
    let resource = Resource::builder_empty().with_service_name("assay").build();
    drop(export::install(export::prometheus(resource).unwrap()));
    exposition().unwrap()
});

/// One of everything that can be measured.
fn measure_everything() -> impl Sized {
    jobs::created();
    jobs::ended(JobState::Failed, Some("internal"), SECOND);
    jobs::started(true, SECOND);
    jobs::attempt_ended(AttemptOutcome::Failed, Some("internal"));
    jobs::retried(Some("model_timeout"));
    jobs::given_back(Some(RequeueReason::Drain));
    steps::completed("plan", SECOND);
    steps::failed("verify", SECOND);
    steps::completed("tools/call-17", SECOND);
    steps::tool_call_ended(None);
    process::panicked();
    hints::stale();
    hints::refilled(Outcome::Succeeded, SECOND);
    messages::confirmed(Err(messages::Unsent::Full), SECOND);
    messages::sent(messages::Destination::Progress, Ok(()), 2);
    messages::consumed(messages::Destination::Hints, 1);
    streams::sent(SECOND);
    streams::losses_repaired(1);
    store::write_fenced();
    store::write_repeated();
    let outcomes = [
        store::CommitOutcome::Committed,
        store::CommitOutcome::RolledBack,
        store::CommitOutcome::Unknown,
    ];
    for outcome in outcomes {
        store::committed(store::Operation::Claim, outcome, 3, SECOND);
    }
    store::waited_for_connection(store::PoolName::Reads, SECOND);
    let model = models::Model::new("default", models::Provider::OpenAi);
    model.called(Err(Code::ModelTimeout), SECOND);
    model.used(&Usage { input_tokens: 10, output_tokens: 2, cost_usd: 0.5, ..Usage::default() });
    models::wasted(&Usage::default());
    documents::read(documents::Reading::Ready, SECOND);
    http::Request::begin("GET").answered(Some("/v1/analysis/{id}"), 200);
    (
        jobs::observe_backlog(|| Some(jobs::Backlog { due: 7, ..jobs::Backlog::default() })),
        workers::observe_slots(|| workers::Slots { free: 1, held: 7 }),
        workers::observe_lease(|| Some(SECOND)),
        process::observe_draining(|| true),
        messages::observe_connection(messages::Connection::News, || true),
        store::observe_pool(store::PoolName::Reads, || store::Pool {
            idle: 1,
            used: 2,
            max: 3,
            waiting: 0,
        }),
        models::observe_circuit("default", || true),
        streams::Subscriber::new(streams::Kind::Sse),
    )
}

/// The series of a text, with their values.
fn series(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let parted = lines.map(|line| line.rsplit_once(' ').expect("a series and its value"));
    parted.map(|(series, value)| (series.to_owned(), value.parse().unwrap())).collect()
}

/// What docs/metrics.md says of one metric.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    prometheus: String,
    kind: String,
    unit: String,
    attributes: BTreeSet<String>,
}

fn documented() -> BTreeMap<String, Row> {
    let rows = DOCUMENT.lines().filter(|line| line.starts_with("| `"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let attributes = cells[5].split(',').map(|name| name.trim().trim_matches('`'));
        let attributes = attributes.filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let [prometheus, kind, unit] = [cells[2], cells[3], cells[4]].map(str::to_owned);
        (cells[1].to_owned(), Row { prometheus, kind, unit, attributes })
    };
    rows.map(row).collect()
}

/// The families of a text with their types, and the labels of each.
fn exported(text: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut families: BTreeMap<_, _> = types
        .map(|line| line.split_once(' ').expect("a name and a type"))
        .map(|(name, kind)| (name.to_owned(), (kind.to_owned(), BTreeSet::new())))
        .collect();
    for line in series(text).into_keys() {
        let (name, labels) = line.split_once('{').unwrap_or((&line, ""));
        let histogram = name.strip_suffix("_bucket").filter(|name| families.contains_key(*name));
        let Some((_, known)) = families.get_mut(histogram.unwrap_or(name)) else { continue };
        let names = labels.split("\",").filter_map(|label| Some(label.split_once("=\"")?.0));
        known.extend(names.filter(|name| *name != "le").map(str::to_owned));
    }
    families.remove("target_info");
    families
}

#[test]
fn the_documents_list_what_is_exported_and_nothing_else() {
    LazyLock::force(&AT_START);
    let _held = measure_everything();
    let (documented, exported) = (documented(), exported(&exposition().unwrap()));
    let instruments = INSTRUMENTS.lock().unwrap();
    let names: Vec<&str> = instruments.keys().copied().collect();
    assert_eq!(names, documented.keys().map(String::as_str).collect::<Vec<_>>());
    for (name, row) in &documented {
        let (kind, unit) = instruments[name.as_str()];
        assert_eq!((row.kind.as_str(), row.unit.as_str()), (kind, unit), "{name}");
        let (kind, labels) = exported.get(&row.prometheus).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(&row.kind, kind, "{name}");
        let attributes: BTreeSet<String> =
            row.attributes.iter().map(|attribute| attribute.replace('.', "_")).collect();
        assert_eq!(&attributes, labels, "{name}");
    }
    assert_eq!(documented.len(), exported.len(), "{exported:?}");
}

#[test]
fn every_query_in_the_documents_asks_for_metrics_that_are_listed() {
    let known: BTreeSet<String> = documented()
        .into_values()
        .flat_map(|row| match row.kind.as_str() {
            "histogram" => ["_bucket", "_sum", "_count"]
                .map(|part| format!("{}{part}", row.prometheus))
                .to_vec(),
            _ => vec![row.prometheus],
        })
        .collect();
    let queries = DOCUMENT.split("```promql").nth(1).and_then(|rest| rest.split("```").next());
    let words = queries.unwrap().lines().filter(|line| !line.starts_with('#')).flat_map(|line| {
        line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').map(str::to_owned)
    });
    let asked: BTreeSet<String> = words
        .filter(|word| {
            ["assay_", "http_server", "db_client", "gen_ai_client"]
                .iter()
                .any(|start| word.starts_with(start))
        })
        .filter(|word| word != "db_client_connection_pool_name")
        .collect();
    assert!(asked.len() > 10);
    assert_eq!(asked.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn every_counter_begins_at_zero_for_each_value_that_is_known() {
    let at_start = series(&AT_START);
    for (name, value) in &at_start {
        let is_told = name.starts_with("target_info");
        assert!(is_told || *value == 0.0, "{name} is {value} before anything happened");
    }
    let expected = [
        r#"assay_jobs_created_total"#,
        r#"assay_jobs_ended_total{code="none",state="succeeded"}"#,
        r#"assay_jobs_ended_total{code="internal",state="failed"}"#,
        r#"assay_jobs_ended_total{code="attempts_exhausted",state="failed"}"#,
        r#"assay_jobs_ended_total{code="worker_lost",state="failed"}"#,
        r#"assay_jobs_ended_total{code="deadline_exceeded",state="timed_out"}"#,
        r#"assay_jobs_ended_total{code="queue_timeout",state="expired"}"#,
        r#"assay_jobs_ended_total{code="cancelled_by_client",state="cancelled"}"#,
        r#"assay_attempts_ended_total{code="none",outcome="succeeded"}"#,
        r#"assay_attempts_ended_total{code="model_timeout",outcome="failed"}"#,
        r#"assay_job_retries_total{code="tool_unavailable"}"#,
        r#"assay_jobs_given_back_total{reason="lease_lost"}"#,
        r#"assay_jobs_given_back_total{reason="circuit_open"}"#,
        r#"assay_tool_calls_ended_total{code="tool_rejected",outcome="failed"}"#,
        r#"assay_model_tokens_wasted_total{gen_ai_token_type="output"}"#,
        r#"assay_store_fenced_writes_total"#,
        r#"assay_store_repeated_writes_total"#,
        r#"assay_hints_stale_total"#,
        r#"assay_bus_losses_repaired_total"#,
        r#"assay_process_panics_total"#,
        r#"assay_streams_subscribers{kind="shared_websocket"}"#,
    ];
    for name in expected {
        assert_eq!(at_start.get(name), Some(&0.0), "{name} of {at_start:#?}");
    }
}

#[test]
fn words_that_others_chose_add_no_series_but_one() {
    LazyLock::force(&AT_START);
    let _held = measure_everything();
    let chosen = |word: &str| {
        jobs::ended(JobState::Failed, Some(word), SECOND);
        jobs::attempt_ended(AttemptOutcome::Failed, Some(word));
        jobs::retried(Some(word));
        jobs::given_back(None);
        steps::completed(word, SECOND);
        steps::failed(word, SECOND);
        steps::tool_call_ended(Some(word));
        http::Request::begin(word).answered(None, 404);
    };
    chosen("first");
    let before = series(&exposition().unwrap()).into_keys().collect::<BTreeSet<_>>();
    for n in 0..10_000 {
        chosen(&format!("word-{n}"));
    }
    let after = series(&exposition().unwrap()).into_keys().collect::<BTreeSet<_>>();
    // Other tests measure meanwhile, but nothing that holds such a word.
    assert!(!after.iter().any(|name| name.contains("word-")));
    assert!(before.iter().any(|name| name.contains("_OTHER")));
    assert!(after.len() <= before.len() + 50, "{:#?}", after.difference(&before));
}

#[test]
fn the_many_parts_of_a_step_are_two_words() {
    LazyLock::force(&AT_START);
    for n in 1..100 {
        steps::completed(&format!("tools/choice-{n}"), SECOND);
    }
    let text = exposition().unwrap();
    let choices = r#"assay_step_duration_seconds_count{outcome="completed",step="tools/choice"}"#;
    assert_eq!(series(&text)[choices], 99.0);
    assert!(!text.contains("choice-"));
}

#[test]
fn what_is_shown_of_a_part_ends_with_it() {
    LazyLock::force(&AT_START);
    let is_shown = |name: &str| {
        let label = format!("gen_ai_request_model=\"{name}\"");
        exposition().unwrap().contains(&format!("assay_model_circuit_open{{{label}}} 1"))
    };
    let observation = models::observe_circuit("passing", || true);
    assert!(is_shown("passing"));
    drop(observation);
    assert!(!is_shown("passing"));
}

#[test]
fn steps_are_known_by_the_names_of_the_workflow() {
    assert!(DOCUMENT.contains(&steps::STEPS.map(|step| format!("`{step}`")).join(", ")));
}
