//! The commands about jobs, through each way to them.

mod faults;
mod retries;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::process::Server;
use contracts::{Event, Job, JobState};

const NOBODY: &str = "0190b6e0-0000-7000-8000-000000000000";

/// A question whose job fails.
const FAILING: &[&str] =
    &["--company", "3M", "--on-step-failure", "fail", "script: fail=permanent"];

/// A folder with a data directory, and its commands.
struct Place {
    dir: tempfile::TempDir,
    server: Option<String>,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), server: None }
    }

    fn data(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    fn start_server(&self) -> Server {
        Server::start(&self.data(), &self.dir.path().join("ledger"))
    }

    fn start_server_at(&self, listen: &str) -> Server {
        Server::start_at(listen, &self.data(), &self.dir.path().join("ledger"))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.env("ASSAY_MODEL", "scripted").env("ASSAY_DATA_DIR", self.data());
        command.env_remove("ASSAY_SERVER").env_remove("ASSAY_API_KEY").args(args);
        if let Some(server) = &self.server {
            command.env("ASSAY_SERVER", server);
        }
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        Said::of(&self.command(args).stdin(Stdio::null()).output().unwrap())
    }

    fn submit(&self, question: &str) -> String {
        self.submit_with(&["--company", "3M", question])
    }

    fn submit_with(&self, args: &[&str]) -> String {
        let said = self.run(&[&["submit"], args].concat());
        assert_eq!(said.code, Some(0), "{}", said.err);
        said.out.trim().to_owned()
    }

    fn job(&self, id: &str) -> Job {
        serde_json::from_str(&self.run(&["get", "--json", id]).out).unwrap()
    }

    /// The job, once it has ended.
    fn ended(&self, id: &str) -> Job {
        self.run(&["watch", id]);
        self.job(id)
    }
}

/// What a command said, and how it ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

fn lines<T: serde::de::DeserializeOwned>(text: &str) -> Vec<T> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn check_every_command(place: &Place) {
    let submitted = place.run(&["submit", "--company", "3M", "why?", "--label", "team=red"]);
    let id = submitted.out.strip_suffix('\n').unwrap();
    assert_eq!((id.len(), submitted.code), (36, Some(0)), "{}", submitted.err);
    let watched = place.run(&["watch", id, "--json"]);
    assert_eq!(watched.code, Some(0), "{}", watched.err);
    let events: Vec<Event> = lines(&watched.out);
    let versions: Vec<u64> = events.iter().map(Event::version).collect();
    assert_eq!(versions, (1..=events.len() as u64).collect::<Vec<_>>());
    assert_eq!(events.last().unwrap().kind, "job.succeeded");
    let rest = place.run(&["watch", id, "--json", "--from", "3"]);
    assert_eq!(lines::<Event>(&rest.out), events[2..]);
    let over = place.run(&["watch", id, "--from", &(events.len() + 1).to_string()]);
    assert_eq!((over.out.as_str(), over.code), ("", Some(0)), "{}", over.err);

    let sheet = place.run(&["get", id]).out;
    for part in ["State      succeeded", "Label      team=red", "synthesize", "Confidence"] {
        assert!(sheet.contains(part), "{part}: {sheet}");
    }
    assert!(!sheet.contains('\u{1b}'), "no colours in a pipe");
    let job = place.job(id);
    let listed = place.run(&["list", "--json", "--label", "team=red", "--state", "succeeded"]);
    assert_eq!(lines::<Job>(&listed.out), [job]);
    let table = place.run(&["list", "--label", "team=blue"]);
    assert_eq!(table.out.lines().count(), 1, "{}", table.out);

    let answered = place.run(&["submit", "--wait", "--company", "3M", "why?"]);
    assert!(
        answered.out.contains("[1]") && answered.out.contains("Confidence"),
        "{}",
        answered.err
    );
    assert!(answered.err.starts_with("job "), "{}", answered.err);
    let failed = place.run(&[&["submit", "--wait", "--json"][..], FAILING].concat());
    let job: Job = serde_json::from_str(&failed.out).unwrap();
    assert_eq!((job.state, failed.code), (JobState::Failed, Some(1)));

    let refused = place.run(&["cancel", id]);
    assert_eq!((refused.out.as_str(), refused.code), ("", Some(1)));
    assert!(refused.err.contains("job_already_terminal"), "{}", refused.err);
    let unknown = place.run(&["get", NOBODY]);
    assert_eq!((unknown.out.as_str(), unknown.code), ("", Some(1)));
    assert!(unknown.err.contains("not_found"), "{}", unknown.err);
    let model = place.run(&["submit", "--company", "3M", "q", "--model", "oracle"]);
    assert_eq!(model.code, Some(1));
    assert!(model.err.contains("invalid_request") && model.err.contains("/model"), "{}", model.err);
}

#[test]
fn every_command_works_on_a_data_directory_that_nobody_serves() {
    let place = Place::new();
    let submitted = place.run(&["submit", "--company", "3M", "q"]);
    assert!(submitted.err.contains("assay dev"), "it says that nothing runs: {}", submitted.err);
    check_every_command(&place);
}

#[test]
fn every_command_finds_the_process_that_serves_the_data_directory() {
    let place = Place::new();
    let _server = place.start_server();
    check_every_command(&place);
}

#[test]
fn every_command_works_on_a_server_that_is_named() {
    let mut place = Place::new();
    let elsewhere = Place::new();
    let server = elsewhere.start_server();
    place.server = Some(server.base().to_owned());
    check_every_command(&place);
    assert!(!place.data().exists(), "the data directory is not touched");
    place.server = Some("http://127.0.0.1:1".to_owned());
    let flag = place.run(&["list", "--server", server.base()]);
    assert_eq!(flag.code, Some(0), "a flag wins over the environment: {}", flag.err);
}

#[test]
fn commands_on_one_directory_wait_for_each_other() {
    let place = Place::new();
    let submit =
        || place.command(&["submit", "--company", "3M", "q"]).stdout(Stdio::piped()).spawn();
    let submits: Vec<Child> = (0..4).map(|_| submit().unwrap()).collect();
    for submit in submits {
        assert!(submit.wait_with_output().unwrap().status.success());
    }
    assert_eq!(place.run(&["list", "--json"]).out.lines().count(), 4);
}

#[test]
fn the_answers_to_a_cancel_are_told_apart() {
    let place = Place::new();
    let waiting = place.submit("q");
    for _ in 0..2 {
        let said = place.run(&["cancel", &waiting, "--reason", "changed my mind"]);
        assert_eq!((said.out.as_str(), said.code), ("cancelled\n", Some(0)), "{}", said.err);
    }
    let _server = place.start_server();
    let running = place.submit("script: delay_ms=30000");
    let mut watching = place.command(&["watch", &running]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(watching.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("job.started") {
        assert!(out.read_line(&mut text).unwrap() > 0, "{text}");
    }
    let said = place.run(&["cancel", &running]);
    assert_eq!((said.out.as_str(), said.code), ("cancelling\n", Some(0)), "{}", said.err);
    out.read_to_string(&mut text).unwrap();
    assert!(text.contains("job.cancelled"), "{text}");
    assert_eq!(watching.wait().unwrap().code(), Some(1), "it has no answer");
}

fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let place = Place::new();
    let _server = place.start_server();
    let id = place.submit("script: delay_ms=300");
    let mut watching = place.command(&["watch", &id]).stdout(Stdio::piped()).spawn().unwrap();
    drop(watching.stdout.take());
    assert_eq!(watching.wait().unwrap().code(), Some(0));
}

#[test]
fn watching_is_interrupted_without_touching_the_job() {
    let place = Place::new();
    let id = place.submit("script: delay_ms=700");
    let mut command =
        place.command(&["submit", "--wait", "--company", "3M", "script: delay_ms=700"]);
    let mut waiting = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut err = BufReader::new(waiting.stderr.take().unwrap());
    let mut said = String::new();
    err.read_line(&mut said).unwrap();
    interrupt(&waiting);
    err.read_to_string(&mut said).unwrap();
    assert_eq!(waiting.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("the job goes on"), "{said}");
    for id in [id.as_str(), said.lines().next().unwrap().trim_start_matches("job ")] {
        assert_eq!(place.run(&["watch", id]).code, Some(0));
        assert_eq!(place.job(id).failures, 0);
    }
}

#[test]
fn a_wrong_call_to_the_jobs_exits_with_2_and_a_wrong_setting_with_64() {
    let place = Place::new();
    for (args, said) in [
        (&["submit", "--company", "", "q", "--priority", "11"][..], "--priority must be"),
        (&["submit", "--company", "3M", "q", "--label", "a"], "KEY=VALUE"),
        (&["submit", "--company", "3M", "q", "--label", "a=1", "--label", "a=2"], "twice"),
        (&["submit", "--company", "3M", "q", "--idempotency-key", "a b"], "visible ASCII"),
        (&["submit", "--company", "3M", "q", "--document", "x"], "document id"),
        (&["get", "x"], "not a valid job id"),
        (&["list", "--state", "lost"], "must be one of queued"),
        (&["watch", NOBODY, "--from", "0"], "--from"),
        (&["retry"], "ID"),
        (&["retry", NOBODY, "--state", "failed"], "--state"),
        (&["retry", NOBODY, "--dry-run"], "--dry-run"),
        (&["retry", "--state", "succeeded"], "must be one of failed"),
        (&["retry", "--state", "failed", "--rate", "fast"], "30/min"),
    ] {
        let output = place.run(args);
        assert_eq!(output.code, Some(2), "{args:?}: {}", output.err);
        assert!(output.err.contains(said), "{args:?}: {}", output.err);
        assert_eq!(output.out, "");
    }
    let output = place.run(&["list", "--server", "localhost:8080"]);
    assert_eq!(output.code, Some(64));
    assert!(output.err.contains("--server: must be an address"), "{}", output.err);
    assert!(!Path::exists(&place.data()), "nothing was opened");
}
