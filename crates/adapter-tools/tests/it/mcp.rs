//! Servers of the Model Context Protocol: a real one, and one that misbehaves in every way that it
//! can.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use adapter_tools::{McpServer, McpSettings};
use engine::ports::{Effect, ToolError, Toolbox};
use serde_json::{Value, json};

use crate::support::{asking, within};

/// Nothing here takes longer, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a call may take that is to take too long.
const SHORT: Duration = Duration::from_secs(3);
const ANSWER_BYTES_MAX: usize = 1_000;

type IsExpected = fn(&ToolError) -> bool;

/// The Python that servers are written in; `None`, after saying so, where there is none.
fn python() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("python3"));
    let ask = |python: &PathBuf| {
        let script = ["-c", "import sys; print(sys.executable)"];
        let output = Command::new(python).args(script).output().ok()?;
        let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        output.status.success().then_some(path)
    };
    let python = found.filter(|python| python.is_file()).find_map(|python| ask(&python));
    if python.is_none() {
        testkit::skip("python3 is not installed");
    }
    python
}

fn settings(command: PathBuf, args: &[&str]) -> McpSettings {
    McpSettings {
        name: "w".to_owned(),
        command,
        args: args.iter().map(ToString::to_string).collect(),
        env: [("TOKEN".to_owned(), "s3cret".to_owned())].into(),
        allow: vec!["*".to_owned()],
        timeout: PATIENCE,
        answer_bytes_max: ANSWER_BYTES_MAX,
        effect: Effect::Repeatable,
    }
}

fn wayward() -> Option<McpSettings> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/wayward.py");
    Some(settings(python()?, &[script]))
}

async fn call(server: &McpServer, tool: &str, arguments: Value) -> Result<String, ToolError> {
    server.call(&within(PATIENCE), &asking(tool, arguments)).await
}

/// That the server answers, after whatever it did.
async fn assert_answers(server: &McpServer) {
    let answer = testkit::eventually(PATIENCE, async || {
        match call(server, "w__echo", json!({"n": 7})).await {
            Ok(answer) => Some(answer),
            // It broke down again and again, and is started again a little later.
            Err(ToolError::Unavailable(_)) => None,
            Err(error) => panic!("{error}"),
        }
    });
    assert_eq!(answer.await, "n is 7");
}

#[tokio::test]
async fn what_is_allowed_and_fit_is_offered_and_bounded() {
    let Some(settings) = wayward() else { return };
    let allow = ["echo", "hang", "not allowed", "broken_schema", "nothing"];
    let allow = allow.map(str::to_owned).to_vec();
    let server = McpServer::new(McpSettings { allow, ..settings });
    let specs = server.specs(&within(PATIENCE)).await.unwrap();
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["w__echo", "w__hang"]);
    assert!(specs.iter().all(|spec| spec.description.chars().count() == 1_000));
    assert!(!specs[0].description.contains('\u{7}'));
    assert_eq!(specs[0].effect, Effect::Repeatable);
    for refused in ["w__die", "w__nothing", "echo"] {
        let refused = call(&server, refused, json!({})).await;
        assert!(matches!(refused, Err(ToolError::Rejected(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn arguments_are_held_to_the_schema_before_anything_is_called() {
    let Some(settings) = wayward() else { return };
    let server = McpServer::new(settings);
    for (arguments, part) in
        [(json!([]), "must be an object"), (json!({"n": "seven"}), "/n: "), (json!({"m": 1}), "m")]
    {
        // The tool would hang.
        let Err(ToolError::Rejected(words)) = call(&server, "w__hang", arguments).await else {
            panic!("it was called");
        };
        assert!(words.contains(part), "{words}");
    }
    assert_answers(&server).await;
}

#[tokio::test]
async fn a_child_knows_of_our_environment_what_it_was_given_alone() {
    let Some(settings) = wayward() else { return };
    let server = McpServer::new(settings.clone());
    let environment = call(&server, "w__environment", json!({})).await.unwrap();
    let mut environment: serde_json::Map<_, _> = serde_json::from_str(&environment).unwrap();
    // Python sets this one itself.
    environment.remove("LC_CTYPE");
    assert_eq!(Value::Object(environment), json!({"TOKEN": "s3cret"}));
    assert!(!format!("{settings:?}").contains("s3cret"));
}

#[tokio::test]
async fn a_tool_that_fails_and_one_that_shows_are_told_in_words() {
    let Some(settings) = wayward() else { return };
    let server = McpServer::new(settings);
    let failed = call(&server, "w__fails", json!({})).await;
    assert_eq!(failed, Err(ToolError::Rejected("the disk is full".to_owned())));
    assert_eq!(
        call(&server, "w__picture", json!({})).await.unwrap(),
        "(something that is no text)"
    );
}

#[tokio::test]
async fn whatever_a_server_does_costs_that_call_alone_and_has_its_name() {
    let Some(settings) = wayward() else { return };
    let is_timeout = |error: &ToolError| matches!(error, ToolError::Timeout);
    let is_invalid = |error: &ToolError| matches!(error, ToolError::Invalid(_));
    let is_broken = |error: &ToolError| matches!(error, ToolError::BrokenOff(_));
    let outcomes: [(&str, IsExpected); 9] = [
        ("hang", is_timeout),
        ("garbage", is_timeout),
        ("wrong_id", is_timeout),
        ("die", is_broken),
        ("oversized", is_invalid),
        ("slightly_oversized", is_invalid),
        ("endless_line", is_invalid),
        ("endless_lines", is_invalid),
        ("lie", is_invalid),
    ];
    let server = McpServer::new(settings);
    for (tool, is_expected) in outcomes {
        // Its process is there, so that the time is the call's.
        assert_answers(&server).await;
        let asked = asking(&format!("w__{tool}"), json!({}));
        let error = server.call(&within(SHORT), &asked).await.unwrap_err();
        assert!(is_expected(&error), "{tool}: {error}");
    }
    assert_answers(&server).await;
}

#[tokio::test]
async fn calls_at_the_same_time_do_not_wait_for_one_that_hangs() {
    let Some(settings) = wayward() else { return };
    let server = McpServer::new(settings);
    assert_answers(&server).await;
    let hanging = call(&server, "w__hang", json!({}));
    tokio::select! {
        outcome = hanging => panic!("{outcome:?}"),
        () = assert_answers(&server) => {}
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_started_or_says_nothing_is_unavailable_and_left_alone_for_a_while()
{
    let missing = McpServer::new(settings("/no/such/program".into(), &[]));
    let mut last = String::new();
    for _ in 0..3 {
        let error = missing.specs(&within(PATIENCE)).await.unwrap_err();
        assert!(matches!(error, ToolError::Unavailable(_)), "{error}");
        last = error.to_string();
    }
    assert!(last.contains("is started again after"), "{last}");

    let Some(mute) = wayward() else { return };
    let args = [mute.args.clone(), vec!["mute".to_owned()]].concat();
    let mute = McpServer::new(McpSettings { args, ..mute });
    let began = Instant::now();
    let error = mute.call(&within(SHORT), &asking("w__echo", json!({}))).await.unwrap_err();
    assert!(matches!(error, ToolError::Unavailable(_)), "{error}");
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_dropped_server_takes_its_whole_group_with_it() {
    let Some(settings) = wayward() else { return };
    let server = McpServer::new(settings);
    let grandchild = call(&server, "w__start_child", json!({})).await.unwrap();
    let process = Path::new("/proc").join(&grandchild);
    let is_running = || {
        // A process that ended and was not waited for is a zombie.
        std::fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z"))
    };
    assert!(is_running());
    drop(server);
    testkit::eventually(PATIENCE, async || (!is_running()).then_some(())).await;
}
