//! The commands as a person calls them.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use contracts::{Code, Job, JobState};

use crate::process::Server;

fn assay(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.env("ASSAY_DATA_DIR", data).env_remove("ASSAY_MODEL");
    command
}

fn run(data: &Path, args: &[&str]) -> Output {
    assay(data).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_first_question_is_answered_from_the_example_corpus() {
    let data = tempfile::tempdir().unwrap();
    let question = "How much did 3M spend on capital expenditures in 2018?";
    let output = run(data.path(), &["ask", "--company", "3M", question]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        text.contains("(1,577)") && text.contains("[1] 3M, figures for 2018, page 3"),
        "{text}"
    );
    assert!(text.contains("Confidence 0."), "{text}");
    assert_eq!(stderr(&output), "", "a piped call is quiet");
}

#[test]
fn json_is_the_job_and_nothing_else_also_when_it_failed() {
    let data = tempfile::tempdir().unwrap();
    for (company, state, code) in [("3M", JobState::Succeeded, 0), ("Nobody", JobState::Failed, 1)]
    {
        let output =
            run(data.path(), &["ask", "--json", "--company", company, "Capital spending?"]);
        let job: Job = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((job.state, output.status.code()), (state, Some(code)));
        let refused = job.error.map(|error| error.code);
        assert_eq!(refused, (code == 1).then_some(Code::InsufficientEvidence));
    }
}

#[test]
fn a_wrong_call_says_what_is_wrong_and_exits_with_2() {
    let data = tempfile::tempdir().unwrap();
    let long = "x".repeat(4_001);
    for (args, said) in [
        (&["ask", "--company", " ", "q"][..], "--company must not be empty"),
        (&["ask", "--company", "3M", &long], "the question must have at most 4000 characters"),
        (&["ask", "q"], "--company"),
        (&["ingest", "a.txt"], "--company"),
        (&["ingest", "a.txt", "b.txt", "--company", "3M", "--title", "t"], "--title"),
        (&["fly"], "fly"),
    ] {
        let output = run(data.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "");
    }
}

#[test]
fn a_wrong_environment_exits_with_64() {
    let data = tempfile::tempdir().unwrap();
    let output = assay(data.path())
        .args(["ask", "--company", "3M", "q"])
        .env("ASSAY_MODEL", "oracle")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr(&output).contains("ASSAY_MODEL"), "{}", stderr(&output));
}

#[test]
fn a_file_that_cannot_be_read_costs_that_file_only() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let [good, huge, rubbish, empty, folder, unknown] =
        ["good.md", "huge.txt", "rubbish.txt", "empty.txt", "folder.txt", "sheet.xls"].map(file);
    std::fs::write(&good, "# Acme\n\nAcme sold 1,234 anvils in 2021.\n").unwrap();
    File::create(&huge).unwrap().set_len(100_000_000).unwrap();
    let noise: Vec<u8> =
        (0..100_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(&rubbish, noise).unwrap();
    File::create(&empty).unwrap();
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(&unknown, "x").unwrap();
    let data = dir.path().join("data");

    let paths = [&huge, &rubbish, &good, &empty, &folder, &unknown, &"missing.txt".to_owned()];
    let mut args = vec!["ingest", "--company", "Acme"];
    args.extend(paths.iter().map(|path| path.as_str()));
    let output = run(&data, &args);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    for reason in [
        "huge.txt: the document has 100000000 bytes, at most 50000000 are read",
        "rubbish.txt: it is not readable as text",
        "empty.txt: it has no text",
        "folder.txt: not a file",
        "sheet.xls: files of type \"xls\" are not read",
        "missing.txt",
        "6 of 7 files were not taken in",
    ] {
        assert!(said.contains(reason), "{reason}: {said}");
    }
    assert!(stdout(&output).contains("good.md"), "{}", stdout(&output));
    let output =
        run(&data, &["ask", "--company", "acme inc.", "How many anvils were sold in 2021?"]);
    assert!(stdout(&output).contains("1,234 anvils"), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn a_manifest_names_its_line_when_it_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = dir.path().join("documents.jsonl");
    std::fs::write(dir.path().join("a.txt"), "Acme sold 12 anvils.").unwrap();
    let line = r#"{"path": "a.txt", "company": "Acme", "title": "Report"}"#;
    std::fs::write(&manifest, format!("{line}\n\n{{\"path\": 1}}\n")).unwrap();
    let args = ["ingest", "--manifest", manifest.to_str().unwrap()];
    let output = run(dir.path(), &args);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("documents.jsonl, line 3"), "{}", stderr(&output));

    std::fs::write(&manifest, format!("{line}\n")).unwrap();
    let first = run(dir.path(), &args);
    assert!(stdout(&first).starts_with("ready"), "{}", stdout(&first));
    let second = run(dir.path(), &args);
    assert!(stdout(&second).starts_with("known"), "the same bytes are stored once");
}

#[test]
fn a_data_directory_has_one_owner_and_says_who_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data, &dir.path().join("ledger"));
    let output = run(&data, &["ask", "--company", "3M", "q"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains(&server.pid().to_string()) && said.contains(server.base()), "{said}");
}
