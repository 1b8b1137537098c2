//! The kit against real systems, and against one that lies: the promises of the API are proved by
//! `assay conformance`, and that it proves anything is proved here.

#[cfg(feature = "fleet")]
#[cfg(feature = "fleet")]
mod fleet;
mod liar;

use std::process::Command;

use serde_json::Value;

use self::liar::{Liar, Lie};
use crate::process::Server;

#[tokio::test(flavor = "multi_thread")]
async fn one_process_keeps_every_promise() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"), &dir.path().join("ledger"));
    assert_conforms(&kit(&[server.base()], &[]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_lie_breaks_the_promise_that_it_is_about() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"), &dir.path().join("ledger"));
    // Told by somebody who does not lie, everything that is asked below is true.
    let honest = Liar::before(server.base(), Lie::None).await;
    let checks: Vec<&str> = Lie::ALL.iter().map(|lie| lie.asks()).collect();
    assert_conforms(&kit(&[&honest.base()], &checks).await);
    let mut believed = Vec::new();
    for lie in Lie::ALL {
        let liar = Liar::before(server.base(), lie).await;
        let report = kit(&[&liar.base()], &[lie.asks()]).await;
        let is_found = report.broken().iter().any(|name| name == lie.breaks());
        if !is_found || report.exit_code != Some(1) {
            believed.push(format!("{lie:?} {:?}: {:#}", report.exit_code, report.json));
        }
    }
    assert!(believed.is_empty(), "{}", believed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_call_of_the_kit_is_told_as_one() {
    let report = kit(&["http://127.0.0.1:1"], &["no-such-check"]).await;
    assert_eq!(report.exit_code, Some(2));
    let nobody_listens = kit(&["http://127.0.0.1:1"], &[]).await;
    assert_eq!(nobody_listens.exit_code, Some(1));
}

/// What the kit said.
struct Report {
    exit_code: Option<i32>,
    json: Value,
}

impl Report {
    /// The names of the checks with this verdict.
    fn of_verdict(&self, verdict: &str) -> Vec<String> {
        let checks = self.json["checks"].as_array().into_iter().flatten();
        let checks = checks.filter(|check| check["verdict"] == verdict);
        checks.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The names of the checks that found a breach.
    fn broken(&self) -> Vec<String> {
        self.of_verdict("broken")
    }
}

/// Runs the kit in its quick form, as the process that users run.
async fn kit(servers: &[&str], only: &[&str]) -> Report {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(["conformance", "--quick", "--json"]);
    for server in servers {
        command.args(["--server", server]);
    }
    for name in only {
        command.args(["--only", name]);
    }
    let dir = tempfile::tempdir().unwrap();
    command.env("ASSAY_DATA_DIR", dir.path()).env_remove("ASSAY_SERVER");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    Report { exit_code: output.status.code(), json }
}

fn assert_conforms(report: &Report) {
    for verdict in ["broken", "not_applicable"] {
        let found = report.of_verdict(verdict);
        assert_eq!(found, Vec::<String>::new(), "{verdict}: {:#}", report.json);
    }
    assert_eq!(report.exit_code, Some(0));
    assert!(!report.of_verdict("kept").is_empty());
}
