//! Checkers from outside: the specifications, recorded answers, and schemathesis.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::packages::{checkout, installed, python};
use super::{Embedded, embedded};

const CHECKS: &str = "crates/assay/tests/checks";
/// What a checker may take, on a machine that does other things, too.
const CHECK_TIME: Duration = Duration::from_secs(240);
/// Seconds that schemathesis spends on inventing requests.
const SEARCH_S: &str = "30";
/// The same with `--long`.
const SEARCH_LONG_S: &str = "180";
/// What schemathesis holds answers to. It refuses to believe that a request which keeps its schema
/// may still be refused, for a model that this server does not have: that check is left out.
const HELD_TO: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
     response_headers_conformance,response_schema_conformance,negative_data_rejection,\
     missing_required_header,unsupported_method,allow_header_conformance";

#[tokio::test]
async fn the_documents_and_their_examples_keep_to_their_specifications() {
    let packages = installed("checks-node", &checkout(CHECKS).join("package-lock.json"));
    let (Some(packages), Some(mut checker)) = (packages, checker("documents.py")) else { return };
    let embedded = embedded();
    let specification = "node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json";
    checker.arg(embedded.server.base()).arg(packages.join(specification));
    finds_nothing(checker).await;
}

#[tokio::test]
async fn every_answer_and_every_frame_is_as_the_documents_tell() {
    let Some(mut checker) = checker("answers.py") else { return };
    let embedded = embedded();
    checker.arg(embedded.server.base());
    finds_nothing(checker).await;
}

#[tokio::test]
async fn schemathesis_finds_no_error_of_ours_and_no_answer_that_is_not_told_of() {
    let Some(mut checker) = python("checks-python", CHECKS) else { return };
    let Embedded { server, dir } = embedded();
    let long = std::env::var_os("ASSAY_TEST_LONG").is_some();
    checker.args(["-m", "schemathesis.cli", "run", "--seed", "1", "--checks", HELD_TO]);
    checker.args(["--max-time", if long { SEARCH_LONG_S } else { SEARCH_S }]);
    checker.args(["--max-examples", "30", "--request-timeout", "30", "--no-color"]);
    checker.arg(format!("{}/openapi.json", server.base()));
    // What it found before is kept in its folder, and must not steer it.
    checker.current_dir(dir.path());
    finds_nothing(checker).await;
}

fn checker(program: &str) -> Option<Command> {
    let mut command = python("checks-python", CHECKS)?;
    command.arg(checkout(CHECKS).join(program));
    Some(command)
}

async fn finds_nothing(mut checker: Command) {
    checker.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(CHECK_TIME, checker.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complaints}");
}
