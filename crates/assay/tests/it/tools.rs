//! Tools called in jobs, by processes that are killed, and by servers that misbehave.

use std::path::Path;
use std::process::Command;

use contracts::result::Completeness;
use contracts::{Job, JobState};
use serde_json::{Value, json};

use crate::ledger;
use crate::process::{PATIENCE, Server};

/// A process over `dir`, with these tables of tools.
fn server(dir: &Path, tools: &str) -> Server {
    Server::of(command(dir, tools))
}

fn command(dir: &Path, tools: &str) -> Command {
    let config = dir.join("assay.toml");
    std::fs::write(&config, tools).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command
        .args(["dev", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.join("data"))
        .env("ASSAY_CONFIG", config)
        .env("ASSAY_MODEL", "scripted")
        .env("ASSAY_SCRIPTED_LEDGER", dir.join("ledger"))
        .env("ASSAY_LOG", "error");
    command
}

/// How often the ledger has a call of this.
fn calls(dir: &Path, step: &str) -> usize {
    ledger::read(&dir.join("ledger")).iter().filter(|call| call.step == step).count()
}

/// The calls that failed: of which tool, with which code.
async fn failed_calls(server: &Server, job: &Job) -> Vec<(String, String)> {
    let log = server.events(job).await;
    let failed = log.events.into_iter().filter(|event| event.kind == "tool_call.failed");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    failed.map(|event| (text(&event.data["tool"]), text(&event.data["error"]["code"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calculator_is_called_in_a_job_and_its_number_is_sourced() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path(), "[tools.calculator]\n");
    let question = "script: tool=calculator:0.1+0.2 tool=calculator:1/0";
    let job = server.until_ended(&server.submit(question).await).await;
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.error);
    let result = job.result.clone().unwrap();
    assert!(result.summary.ends_with(" 0.3"), "{}", result.summary);
    assert_eq!((result.completeness, result.gaps.len()), (Completeness::Complete, 0));
    let rejected = ("calculator".to_owned(), "tool_rejected".to_owned());
    assert_eq!(failed_calls(&server, &job).await, [rejected]);
    // Two choices and the answer.
    assert_eq!((job.usage.model_calls, job.usage.tool_calls), (3, 2));
    assert_eq!(job.attempts[0].usage, Some(job.usage));
    let steps: Vec<&str> = job.steps.iter().map(|step| step.step.as_str()).collect();
    let parts = ["tools/choice-1", "tools/call-1", "tools/call-2", "tools/choice-2"];
    assert_eq!(
        steps,
        [&["plan", "retrieve", "tools"], &parts[..], &["synthesize", "verify"]].concat()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_a_crash_cut_off_is_made_again_only_if_it_may_be() {
    for (tool, times, failures, spent) in
        [("scripted_read", 2, &[][..], 2), ("scripted_write", 1, &["outcome_unknown"], 1)]
    {
        let dir = tempfile::tempdir().unwrap();
        let first = server(dir.path(), "[tools.scripted]\n");
        let question = format!("script: tool={tool}:{{\"delay_ms\":3000}}");
        let job = first.submit(&question).await;
        let in_the_call = async || (calls(dir.path(), tool) == 1).then_some(());
        testkit::eventually(PATIENCE, in_the_call).await;
        first.kill_9();

        let second = server(dir.path(), "[tools.scripted]\n");
        let ended = second.until_ended(&job).await;
        assert_eq!(ended.state, JobState::Succeeded, "{:?}", ended.error);
        assert_eq!((ended.attempt, ended.failures), (2, 0));
        assert_eq!(calls(dir.path(), tool), times, "{tool}");
        assert_eq!(calls(dir.path(), "tools"), 1, "the choice was checkpointed");
        assert_eq!(ended.usage.tool_calls, spent, "a call is counted before it begins");
        let lost = ended.attempts[0].usage.unwrap();
        assert_eq!((lost.model_calls, lost.tool_calls), (1, 1), "what the crash wasted");
        let codes = failed_calls(&second, &ended).await;
        let codes: Vec<&str> = codes.iter().map(|(_, code)| code.as_str()).collect();
        assert_eq!(codes, failures);
        let result = ended.result.unwrap();
        assert_eq!(result.gaps.len(), failures.len(), "{:?}", result.gaps);
        assert_verified(dir.path(), second);
    }
}

/// The planned points: right before the tool is called, and right after it answered.
#[cfg(feature = "faults")]
#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_an_effect_is_made_at_most_once_wherever_its_process_dies() {
    for (point, called) in [("before_tool_call", 0), ("after_tool_call", 1)] {
        let dir = tempfile::tempdir().unwrap();
        let mut dying = command(dir.path(), "[tools.scripted]\n");
        dying.env("ASSAY_FAULTS", format!("{point}=kill"));
        let dying = Server::of(dying);
        let job = dying.submit("script: tool=scripted_write:{}").await;
        assert_eq!(dying.wait(), None, "it is ended by a signal");
        assert_eq!(calls(dir.path(), "scripted_write"), called);

        let server = server(dir.path(), "[tools.scripted]\n");
        let ended = server.until_ended(&job).await;
        assert_eq!(ended.state, JobState::Succeeded, "{:?}", ended.error);
        assert_eq!(calls(dir.path(), "scripted_write"), called, "{point}: nobody called it again");
        let unknown = ("scripted_write".to_owned(), "outcome_unknown".to_owned());
        assert_eq!(failed_calls(&server, &ended).await, [unknown]);
        assert_verified(dir.path(), server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loop_of_calls_ends_at_its_bound_with_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path(), "[tools.calculator]\n");
    let question = "script: tool=calculator:1+1 tool=calculator:2+2 tool_rounds=1000000";
    let job = server.until_ended(&server.submit(question).await).await;
    let result = job.result.unwrap();
    assert_eq!(result.completeness, Completeness::Partial);
    assert_eq!(result.gaps, ["no more tools were called after 16 calls"]);
    assert_eq!(job.usage.tool_calls, 16);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_job_takes_over_what_its_tools_answered() {
    let dir = tempfile::tempdir().unwrap();
    let server = server(dir.path(), "[tools.scripted]\n");
    let question = "script: tool=scripted_write:{} fail=permanent";
    let body = json!({"company_name": "3M", "question": question, "on_step_failure": "fail"});
    let job = server.until_ended(&server.submit_with(body).await).await;
    assert_eq!(job.state, JobState::Failed);
    let url = format!("{}{}/retry", server.base(), job.links.this);
    let response = reqwest::Client::new().post(url).send().await.unwrap();
    let again: Job = response.error_for_status().unwrap().json().await.unwrap();
    let again = server.until_ended(&again).await;
    assert_eq!(calls(dir.path(), "scripted_write"), 1);
    assert_eq!(calls(dir.path(), "tools"), 1);
    let log = server.events(&again).await;
    let taken = log.events.iter().filter(|event| event.data["taken_over_from"].is_string());
    let taken: Vec<_> = taken.filter_map(|event| event.data["step"].as_str()).collect();
    let parts = ["plan", "retrieve", "tools", "tools/choice-1", "tools/call-1", "tools/choice-2"];
    assert_eq!(taken, parts);
    assert_verified(dir.path(), server);
}

/// That `assay verify` finds nothing, in the data directory of a process that is stopped for it.
fn assert_verified(dir: &Path, server: Server) {
    let (ended_well, _) = server.terminate();
    assert!(ended_well);
    let mut verify = Command::new(env!("CARGO_BIN_EXE_assay"));
    verify.args(["verify", "--data-dir"]).arg(dir.join("data"));
    let output = verify.env_remove("ASSAY_DATABASE_URL").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[cfg(feature = "mcp")]
mod mcp {
    use super::*;
    use crate::clients::packages;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_real_server_is_called_in_a_job() {
        let lock = packages::checkout("crates/adapter-tools/tests/servers/requirements.txt");
        let Some(folder) = packages::installed("tools-python", &lock) else { return };
        let command = folder.join("bin/mcp-server-time");
        let dir = tempfile::tempdir().unwrap();
        let tools = format!(
            "[tools.time]\ncommand = {:?}\nargs = [\"--local-timezone\", \"UTC\"]\n\
             allow = [\"convert_time\"]\neffect = \"repeatable\"\n",
            command.display().to_string()
        );
        let server = server(dir.path(), &tools);
        let arguments =
            r#"{"source_timezone":"Asia/Tokyo","time":"16:30","target_timezone":"Asia/Kolkata"}"#;
        let wrong = r#"{"source_timezone":7}"#;
        let question = format!(
            "script: tool=time__convert_time:{arguments} tool=time__convert_time:{wrong} \
             tool=time__get_current_time:{{}} output_bytes=100"
        );
        let job = server.until_ended(&server.submit(&question).await).await;
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.error);
        let rejected = |tool: &str| (tool.to_owned(), "tool_rejected".to_owned());
        let expected = [rejected("time__convert_time"), rejected("time__get_current_time")];
        assert_eq!(failed_calls(&server, &job).await, expected);
        let log = server.events(&job).await;
        let answered = log.events.iter().filter(|event| event.kind == "tool_call.completed");
        let answered: Vec<&Value> = answered.map(|event| &event.data["tool"]).collect();
        assert_eq!(answered, ["time__convert_time"]);
    }

    /// The configuration of the server that misbehaves; `None`, after saying so, without Python.
    fn wayward() -> Option<String> {
        let script = ["-c", "import sys; print(sys.executable)"];
        let Ok(python) = Command::new("python3").args(script).output() else {
            testkit::skip("python3 is not installed");
            return None;
        };
        let python = String::from_utf8(python.stdout).unwrap();
        let script = packages::checkout("crates/adapter-tools/tests/servers/wayward.py");
        Some(format!(
            "[tools.w]\ncommand = {:?}\nargs = [{:?}]\nallow = [\"*\"]\ntimeout_s = 5\n\
             answer_bytes_max = 1000\neffect = \"repeatable\"\n",
            python.trim(),
            script.display().to_string()
        ))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_process_that_stops_takes_its_servers_with_it() {
        let Some(tools) = wayward() else { return };
        let dir = tempfile::tempdir().unwrap();
        let server = server(dir.path(), &tools);
        let job = server.submit("script: tool=w__start_child:{}").await;
        let summary = server.until_ended(&job).await.result.unwrap().summary;
        let pid = summary.rsplit(' ').next().unwrap();
        let stat = Path::new("/proc").join(pid).join("stat");
        // One that has ended and was not waited for is a zombie.
        let is_running = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z"));
        assert!(is_running(), "{summary}");
        let (ended_well, _) = server.terminate();
        assert!(ended_well);
        testkit::eventually(PATIENCE, async || (!is_running()).then_some(())).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_hangs_lies_or_says_too_much_costs_that_call_and_not_the_job() {
        let Some(tools) = wayward() else { return };
        let dir = tempfile::tempdir().unwrap();
        let server = server(dir.path(), &tools);
        let names = ["hang", "echo", "lie", "oversized", "wrong_id"];
        let words = names.map(|name| format!("tool=w__{name}:{{}}")).join(" ");
        let job = server.until_ended(&server.submit(&format!("script: {words}")).await).await;
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.error);
        assert!(job.result.as_ref().unwrap().summary.ends_with(" n is None"));
        let failed = |tool: &str, code: &str| (format!("w__{tool}"), code.to_owned());
        let expected = [
            failed("hang", "tool_unavailable"),
            failed("lie", "tool_rejected"),
            failed("oversized", "tool_rejected"),
            failed("wrong_id", "tool_unavailable"),
        ];
        assert_eq!(failed_calls(&server, &job).await, expected);
        assert_eq!(job.result.unwrap().gaps.len(), 2, "what was out is named");
        assert_eq!((job.attempt, job.failures), (1, 0));
    }
}
