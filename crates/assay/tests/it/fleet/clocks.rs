//! Workers whose clocks are wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use contracts::{Code, JobState};
use serde_json::json;
use testkit::proof::figure;

use super::processes::{Fleet, Servers};
use super::{audit, now, until_all_called};
use crate::process::{PATIENCE, Worker};

/// How wrong they are.
const SKEW: Duration = Duration::from_secs(600);
/// Where Debian has the library that gives a process another time, in a folder an architecture.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";
/// What a job ends within, after its deadline.
const OVERDUE_MAX: Duration = Duration::from_secs(5);
/// Everything here is long over by then.
const TEST_MAX: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread")]
async fn workers_whose_clocks_are_ten_minutes_off_change_nothing() {
    let Some(library) = library() else {
        testkit::skip("libfaketime is not installed (Debian: apt-get install faketime)");
        return;
    };
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let began = now();
    let fast = skewed(&fleet, &library, "fast", "+600");
    let _slow = skewed(&fleet, &library, "slow", "-600");
    assert_are_off(&servers).await;

    let too_long = json!({"company_name": "3M", "question": "script: delay_ms=60000",
                          "timeout_s": 5});
    let too_long = gateway.submit_with(too_long).await;
    let mut jobs = Vec::new();
    for question in
        ["script: delay_ms=20", "script: fail=transient*1", "script: output_bytes=20000"]
    {
        for _ in 0..5 {
            let body = json!({"company_name": "3M", "question": question, "timeout_s": 60});
            jobs.push(gateway.submit_with(body).await);
        }
    }
    let logs = audit::ended_once(&gateway, &jobs).await;
    assert_eq!(audit::lost_leases(&logs), 0);
    let overdue = gateway.until_ended(&too_long).await;
    assert_eq!(overdue.state, JobState::TimedOut);
    assert_eq!(overdue.error.map(|error| error.code), Some(Code::DeadlineExceeded));
    let late = overdue.finished_at.unwrap().since(overdue.deadline_at);
    assert!(late <= OVERDUE_MAX, "{late:?}");

    // The death of one is noticed as ever, and the other goes on with its jobs.
    let mut lost = Vec::new();
    for _ in 0..16 {
        lost.push(gateway.submit("script: delay_ms=1000").await);
    }
    until_all_called(&fleet.ledger(), &lost, "retrieve").await;
    fast.kill_9();
    let lost = audit::ended_once(&gateway, &lost).await;
    assert!(audit::lost_leases(&lost) > 0);
    assert_right_times(&logs, began);
    assert_right_times(&lost, began);
    figure(
        "workers' clocks 10 min fast and slow, jobs that took no notice",
        logs.len() + lost.len(),
    );
}

/// A worker that takes the time to be another by so many seconds.
fn skewed(fleet: &Fleet, library: &Path, name: &str, seconds: &str) -> Worker {
    let mut command = fleet.worker_command(name);
    command.env("LD_PRELOAD", library).env("FAKETIME", seconds);
    // How long something takes is measured rightly by any clock.
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    Worker::of(command)
}

/// Asserts that one worker's clock is fast and another's slow: the name that a worker gives itself
/// begins with the time in milliseconds (UUIDv7).
async fn assert_are_off(servers: &Servers<'_>) {
    let incarnations = async || {
        let found = servers.database.query("SELECT incarnation FROM workers");
        let times: Vec<u64> = found.lines().map(millis).collect();
        (times.len() == 2).then_some(times)
    };
    let mut times = testkit::eventually(PATIENCE, incarnations).await;
    times.sort_unstable();
    let about = SKEW - Duration::from_secs(60);
    let (slow, fast) = (Duration::from_millis(times[0]), Duration::from_millis(times[1]));
    assert!(slow < now() - about && fast > now() + about, "{slow:?}, {fast:?}, now {:?}", now());
}

fn millis(uuid: &str) -> u64 {
    u64::from_str_radix(&uuid.replace('-', "")[..12], 16).unwrap()
}

/// Asserts that the times in logs are those of the database, and in order.
fn assert_right_times(logs: &audit::Logs, began: Duration) {
    for log in logs.values() {
        let times = log.events.iter().map(|event| u64::try_from(event.time.as_millis()).unwrap());
        let times: Vec<Duration> = times.map(Duration::from_millis).collect();
        assert!(times.is_sorted(), "{log:?}");
        assert!(times[0] + Duration::from_secs(1) > began, "{log:?}");
        assert!(times.iter().all(|time| *time < began + TEST_MAX), "{log:?}");
    }
}

fn library() -> Option<PathBuf> {
    let folders = fs::read_dir(LIBRARIES).ok()?.flatten();
    folders.map(|folder| folder.path().join(LIBRARY)).find(|library| library.is_file())
}
