//! `assay doctor`: what it finds where something is wrong, and what it says to do.

#[cfg(feature = "fleet")]
mod fleet;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use testkit::loopback::ClosedPort;
use testkit::provider::{Reply, ScriptedProvider};

use crate::process::Server;

/// What the doctor says.
pub(crate) struct Report {
    pub(crate) code: Option<i32>,
    json: Value,
}

impl Report {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.args(["doctor", "--json"]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let json = serde_json::from_slice(&output.stdout);
        let json = json.unwrap_or_else(|error| panic!("{error}: {told}"));
        Self { code: output.status.code(), json }
    }

    /// The verdict on this, and what was seen and advised.
    pub(crate) fn on(&self, what: &str) -> (&str, String) {
        let findings = self.json["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["what"] == what);
        let finding = finding.unwrap_or_else(|| panic!("nothing on {what}: {}", self.json));
        let said = [&finding["seen"], &finding["advice"]].map(|part| part.as_str().unwrap_or(""));
        (finding["verdict"].as_str().unwrap(), said.join("; "))
    }

    pub(crate) fn assert(&self, what: &str, verdict: &str, parts: &[&str]) {
        let (found, said) = self.on(what);
        assert_eq!(found, verdict, "{what}: {said}");
        for part in parts {
            assert!(said.contains(part), "{what}: {part:?} is not in {said:?}");
        }
    }
}

fn assay(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.env("ASSAY_DATA_DIR", data).env_remove("ASSAY_MODEL").env_remove("ASSAY_CONFIG");
    command.env_remove("ASSAY_DATABASE_URL").env_remove("ASSAY_AMQP_URL");
    command
}

#[test]
fn a_new_directory_is_in_order_and_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let report = Report::of(&mut assay(&data));
    assert_eq!((report.code, &report.json["ok"]), (Some(0), &json!(true)));
    report.assert("data directory", "ok", &["the first use fills it"]);
    report.assert("database", "ok", &["none yet"]);
    report.assert("model", "ok", &["extractive"]);
    assert!(!data.exists());
}

#[test]
fn what_is_shown_to_a_person_has_a_line_for_each_thing_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = assay(&file.join("data")).arg("doctor").output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("data directory  fail  "), "{shown}");
    assert!(shown.contains("set ASSAY_DATA_DIR"), "{shown}");
}

#[test]
fn a_directory_in_use_is_told_with_its_owner() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &dir.path().join("ledger"));
    let report = Report::of(&mut assay(dir.path()));
    let owner = format!("in use by process {}, which listens on", server.pid());
    report.assert("data directory", "ok", &[&owner]);
    report.assert("database", "ok", &["in use"]);
    drop(server);
    let report = Report::of(&mut assay(dir.path()));
    report.assert("data directory", "ok", &["used by nobody now"]);
    report.assert("database", "ok", &["of this release's form"]);
}

#[test]
fn a_broken_database_is_told() {
    let dir = tempfile::tempdir().unwrap();
    drop(Server::start(dir.path(), &dir.path().join("ledger")));
    for name in ["assay.db-wal", "assay.db-shm"] {
        let _ = std::fs::remove_file(dir.path().join(name));
    }
    std::fs::write(dir.path().join("assay.db"), "this is no database, and never was").unwrap();
    let report = Report::of(&mut assay(dir.path()));
    assert_eq!(report.code, Some(1));
    report.assert("database", "fail", &["not a database", "restore it"]);
}

#[test]
fn settings_that_are_wrong_are_told_before_anything_is_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let output = assay(dir.path()).arg("doctor").env("ASSAY_SLOTS", "many").output().unwrap();
    assert_eq!(output.status.code(), Some(64));
}

fn models() -> Value {
    json!({ "object": "list", "data": [{ "id": "there" }, { "id": "llama3.2:latest" }] })
}

fn configured(dir: &Path, tables: &[(&str, &str, &str)]) -> std::path::PathBuf {
    let key = dir.join("key");
    std::fs::write(&key, "s3cret\n").unwrap();
    let tables = tables.iter().map(|(name, base_url, model)| {
        let key = key.display();
        format!(
            "[models.{name}]\nkind = \"openai\"\nbase_url = \"{base_url}\"\nmodel = \"{model}\"\n\
             api_key_file = \"{key}\"\n"
        )
    });
    let file = dir.join("assay.toml");
    std::fs::write(&file, tables.collect::<String>()).unwrap();
    file
}

#[tokio::test]
async fn each_model_is_looked_for_at_its_provider() {
    let provider = ScriptedProvider::start(|_, request| {
        assert_eq!(request.path, "/v1/models");
        match request.header("authorization") {
            Some("Bearer s3cret") => Reply::json(200, &models()),
            _ => Reply::status(401),
        }
    });
    let refusing = ScriptedProvider::replying(vec![Reply::status(401)]);
    let broken = ScriptedProvider::replying(vec![Reply::status(503)]);
    let mute = ScriptedProvider::replying(vec![Reply::status(404)]);
    let closed = ClosedPort::any();
    let [right, refusing, broken, mute] = [provider, refusing, broken, mute]
        .map(|provider| (format!("{}/v1", provider.url()), provider));
    let gone = format!("http://{}/v1", closed.address());
    let dir = tempfile::tempdir().unwrap();
    let file = configured(
        dir.path(),
        &[
            ("right", &right.0, "there"),
            ("latest", &right.0, "llama3.2"),
            ("unknown", &right.0, "elsewhere"),
            ("refused", &refusing.0, "there"),
            ("broken", &broken.0, "there"),
            ("mute", &mute.0, "there"),
            ("gone", &gone, "there"),
        ],
    );
    let data = dir.path().join("data");
    let asked =
        tokio::task::spawn_blocking(move || Report::of(assay(&data).arg("--config").arg(file)));
    let report = asked.await.unwrap();
    assert_eq!(report.code, Some(1));
    report.assert("model right", "ok", &["there at"]);
    report.assert("model latest", "ok", &[]);
    report.assert("model unknown", "fail", &["no model \"elsewhere\"", "it has there, llama3.2"]);
    report.assert("model refused", "fail", &["refuses the key", "correct the key"]);
    report.assert("model broken", "fail", &["503"]);
    report.assert("model mute", "warn", &["does not tell its models"]);
    report.assert("model gone", "fail", &["start it, or correct base_url"]);
    assert!(!report.json.to_string().contains("s3cret"), "{}", report.json);
}

#[test]
fn each_tool_is_looked_for_and_none_is_called() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("assay.toml");
    let program = "command = \"/no/such/program\"\nallow = [\"*\"]\n";
    let broken =
        if cfg!(feature = "mcp") { format!("[tools.time]\n{program}") } else { String::new() };
    std::fs::write(&file, format!("[tools.calculator]\n{broken}")).unwrap();
    let data = dir.path().join("data");
    let report = Report::of(assay(&data).arg("--config").arg(file));
    report.assert("tools calculator", "ok", &["calculator"]);
    if cfg!(feature = "mcp") {
        assert_eq!(report.code, Some(1));
        report.assert("tools time", "fail", &["cannot be started", "run its command by hand"]);
    }
}
