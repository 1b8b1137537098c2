//! No child outlives whoever asked, and none is kept waiting by another one's end.

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use adapter_retrieval::ReaderLimits;
use engine::ports::{ReadDocument, ReadError};
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::JoinHandle;

use super::broken::{Broken, PATIENCE, gone, roomy};

const TEXT: &str = "Acme sold 1,234 anvils.";

/// Begins to read a text.
fn begin(reader: &Arc<Broken>) -> JoinHandle<Result<ReadDocument, ReadError>> {
    let reader = Arc::clone(reader);
    tokio::spawn(async move { reader.read(TEXT).await })
}

fn kill(id: u32, signal: Signal) {
    let id = Pid::from_raw(id.try_into().unwrap()).unwrap();
    kill_process(id, signal).unwrap();
}

#[tokio::test]
async fn a_child_that_is_ended_from_outside_is_not_the_document_s_fault() {
    // Not SIGINT: whoever runs the tests in the background has it ignored, here too.
    for signal in [Signal::KILL, Signal::TERM] {
        let reader = Arc::new(Broken::new("idle", roomy()));
        let reading = begin(&reader);
        kill(reader.started().await, signal);
        let read = reading.await.unwrap();
        assert!(matches!(read, Err(ReadError::Unavailable(_))), "{signal:?}: {read:?}");
    }
}

#[tokio::test]
async fn a_child_is_gone_when_nobody_waits_for_it_any_more() {
    for way in ["idle", "deaf", "spinning"] {
        let reader = Arc::new(Broken::new(way, roomy()));
        let reading = begin(&reader);
        let child = reader.started().await;
        reading.abort();
        gone(child).await;
    }
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_child_reads_within_its_limits_and_is_the_first_to_end_when_memory_is_short() {
    let reader = Arc::new(Broken::new("idle", roomy()));
    let reading = begin(&reader);
    let child = reader.started().await;
    let limits = PathBuf::from(format!("/proc/{child}/limits"));
    let set = async || {
        let limits = std::fs::read_to_string(&limits).unwrap();
        let words: Vec<&str> = limits.split_whitespace().collect();
        let limits = words.join(" ");
        let wanted = [
            "Max cpu time 60 61 ",
            "Max file size 0 0 ",
            "Max core file size 0 0 ",
            "Max processes 0 0 ",
            "Max open files 0 0 ",
            "Max address space 1073741824 1073741824 ",
        ];
        wanted.iter().all(|limit| limits.contains(limit)).then_some(())
    };
    testkit::eventually(PATIENCE, set).await;
    let oom_score = std::fs::read_to_string(format!("/proc/{child}/oom_score_adj")).unwrap();
    assert_eq!(oom_score.trim(), "1000");
    reading.abort();
    gone(child).await;
}

#[tokio::test]
async fn no_more_children_run_than_may_run() {
    let children_max = NonZeroUsize::new(2).unwrap();
    let reader = Arc::new(Broken::new("idle", ReaderLimits { children_max, ..roomy() }));
    let mut readings = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let reader = Arc::clone(&reader);
        readings.spawn(async move { reader.read(TEXT).await });
    }
    for _ in 0..5 {
        let child = reader.started().await;
        assert!(reader.processes().len() <= 2);
        kill(child, Signal::KILL);
        assert!(readings.join_next().await.unwrap().unwrap().is_err());
    }
}

#[tokio::test]
async fn a_child_does_not_outlive_a_parent_that_is_killed() {
    for way in ["idle", "spinning"] {
        let reader = Broken::new(way, roomy());
        let mut parent = reader.asked_by_another().spawn().unwrap();
        let child = reader.started().await;
        parent.kill().unwrap();
        parent.wait().unwrap();
        gone(child).await;
    }
}

#[tokio::test]
async fn a_child_whose_document_breaks_off_ends() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_broken-reader"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = child.stdin.take().unwrap();
    to.write_all(br#"{"media_type":"text/plain","bytes":9,"#).unwrap();
    to.write_all(b"\"memory_bytes_max\":1000000000,\"cpu_s_max\":9}\ntext").unwrap();
    drop(to);
    let said = child.wait_with_output().unwrap().stdout;
    assert!(String::from_utf8_lossy(&said).contains("unavailable"), "{said:?}");
}

#[tokio::test]
async fn the_memory_of_the_parent_is_bounded() {
    let reader = Broken::new("chatter", roomy());
    let output = reader.asked_by_another().output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let peak_kib: u64 = said.split(' ').next().unwrap().parse().unwrap();
    assert!(said.contains("TooMuchMemory"), "{said}");
    // Twice the largest answer, as a buffer grows by doubling, and the program.
    let max_kib = 2 * ReaderLimits::default().answer_bytes_max as u64 / 1024 + 32 * 1024;
    assert!(peak_kib < max_kib, "{said}");
}
