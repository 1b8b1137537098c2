//! A fleet whose processes die, or do something twice, at every planned point: what was accepted
//! ends once, and well.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Output};

use contracts::{EventPage, Job, JobState};
use engine::faults::Point;
use futures_util::{StreamExt as _, stream};
use serde_json::json;

use crate::fleet::processes::{Fleet, Servers};
use crate::fleet::{assert_sound, calls};
use crate::process::{PATIENCE, Server, Worker};

/// Fleets at a time: each is a gateway, a worker, and mostly waiting.
const FLEETS: usize = 4;
/// The signal of a process that ends itself without any order.
const SIGABRT: i32 = 6;
/// It fails once, so that a retry has to be admitted and hinted.
const QUESTION: &str = "script: delay_ms=50 fail=transient*1 tool=scripted_read:{}";

/// What may be done twice by a process that lives on.
const REPEATABLE: &[Point] = &[
    Point::AfterSubmit,
    Point::AfterClaim,
    Point::AfterWrite,
    Point::AfterSweep,
    Point::AfterHint,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_job_ends_once_and_well_wherever_its_processes_die() {
    let jobs = Point::ALL.iter().copied().filter(|point| !is_of_documents(*point));
    let died = stream::iter(jobs).map(|point| async move {
        let Some(servers) = Servers::start().await else { return };
        let mut run = Run::start(Fleet::with_tools(&servers), &plan(point, "kill"));
        let job = run.job_to_its_end().await;
        assert!(run.deaths > 0, "nothing came to {}", point.name());
        for step in ["retrieve", "tools", "scripted_read", "synthesize"] {
            let count = calls(&run.fleet.ledger(), &job.id.to_string(), step);
            // One attempt fails, and each death may cost one more call of the step it was in.
            assert!(count <= 2 + run.deaths, "{}: {count} calls of {step}", point.name());
        }
    });
    died.buffer_unordered(FLEETS).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_ends_once_and_well_whatever_is_done_twice() {
    let done = stream::iter(REPEATABLE).map(|point| async move {
        let Some(servers) = Servers::start().await else { return };
        let mut run = Run::start(Fleet::with_tools(&servers), &plan(*point, "repeat"));
        run.job_to_its_end().await;
    });
    done.buffer_unordered(FLEETS).collect::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_taken_in_once_wherever_its_process_dies() {
    let points = Point::ALL.iter().copied().filter(|point| is_of_documents(*point));
    let died = stream::iter(points).map(|point| async move {
        let Some(servers) = Servers::start().await else { return };
        let fleet = Fleet::answering(&servers);
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("report.md");
        std::fs::write(&file, "Acme sold 1,234 anvils in 2021.").unwrap();
        let ingest = || {
            let mut command = fleet.command("ingest");
            command.args(["ingest", "--company", "Acme"]).arg(&file);
            command
        };
        let mut dying = ingest();
        dying.env("ASSAY_FAULTS", plan(point, "kill"));
        let status = output(dying).await.status;
        assert_eq!(status.signal(), Some(SIGABRT), "nothing came to {}: {status}", point.name());
        // What the first one was reading is read by whoever waits for it.
        let output = output(ingest()).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

        let (gateway, _worker) = (fleet.gateway(), fleet.worker("one"));
        let question = "How many anvils were sold in 2021?";
        let job = gateway.submit_with(json!({"company_name": "Acme", "question": question})).await;
        let ended = gateway.until_ended(&job).await;
        let result = ended.result.unwrap_or_else(|| panic!("{}: {:?}", point.name(), ended.error));
        assert!(result.summary.contains("1,234"), "{}: {result:?}", point.name());
        assert_eq!(result.sources.len(), 1, "{}: {result:?}", point.name());
    });
    died.buffer_unordered(FLEETS).collect::<()>().await;
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// What must happen for a point to be reached at all, and what is to happen there.
fn plan(point: Point, what: &str) -> String {
    let own = format!("{}={what}", point.name());
    match point {
        // A sweep changes jobs whose workers are gone.
        Point::BeforeSweep | Point::AfterSweep => {
            format!("{own},{}=kill", Point::AfterModelCall.name())
        }
        Point::BeforeSubmit
        | Point::AfterSubmit
        | Point::BeforeClaim
        | Point::AfterClaim
        | Point::BeforeWrite
        | Point::AfterWrite
        | Point::BeforeRefill
        | Point::AfterRefill
        | Point::BeforeAccept
        | Point::AfterAccept
        | Point::BeforeFinish
        | Point::AfterFinish
        | Point::BeforeHint
        | Point::AfterHint
        | Point::BeforeAck
        | Point::AfterAck
        | Point::BeforeNews
        | Point::AfterNews
        | Point::BeforeRetrieval
        | Point::AfterRetrieval
        | Point::BeforeModelCall
        | Point::AfterModelCall
        | Point::BeforeToolCall
        | Point::AfterToolCall => own,
    }
}

fn is_of_documents(point: Point) -> bool {
    [Point::BeforeAccept, Point::AfterAccept, Point::BeforeFinish, Point::AfterFinish]
        .contains(&point)
}

/// A gateway and a worker that follow a plan. One that dies is replaced by one that has none.
struct Run {
    fleet: Fleet,
    plan: String,
    gateway: Server,
    worker: Worker,
    deaths: usize,
}

impl Run {
    fn start(fleet: Fleet, plan: &str) -> Self {
        let (mut gateway, mut worker) = (fleet.command("gateway"), fleet.command("one"));
        gateway.args(["gateway", "--listen", "127.0.0.1:0"]).env("ASSAY_FAULTS", plan);
        worker.arg("worker").env("ASSAY_FAULTS", plan);
        let (gateway, worker) = (Server::of(gateway), Worker::of(worker));
        Self { fleet, plan: plan.to_owned(), gateway, worker, deaths: 0 }
    }

    /// A job from its submission to its end, as a client sees it who repeats what fails.
    async fn job_to_its_end(&mut self) -> Job {
        let accepted = self.accepted().await;
        let ended = loop {
            self.mend();
            if let Some(job) = self.get::<Job>(&accepted.links.this).await
                && job.state.is_terminal()
            {
                break job;
            }
        };
        assert_eq!(ended.state, JobState::Succeeded, "{}: {:?}", self.plan, ended.error);
        assert_eq!(ended.failures, 1, "{}: no death is a failure of the job", self.plan);
        let log = loop {
            self.mend();
            let events = format!("{}?limit=1000", accepted.links.events);
            if let Some(log) = self.get::<EventPage>(&events).await {
                break log;
            }
        };
        assert_sound(&log);
        let again = self.accepted().await;
        assert_eq!(again.id, accepted.id, "{}: one key, one job", self.plan);
        ended
    }

    /// The job of the one key that this run submits with.
    async fn accepted(&mut self) -> Job {
        let body = json!({"company_name": "3M", "question": QUESTION});
        loop {
            self.mend();
            let url = format!("{}/v1/analysis", self.gateway.base());
            let request = reqwest::Client::new().post(url).header("Idempotency-Key", "one");
            let Ok(response) = request.json(&body).timeout(PATIENCE).send().await else { continue };
            if !response.status().is_success() {
                continue;
            }
            if let Ok(job) = response.json::<Job>().await {
                return job;
            }
        }
    }

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Option<T> {
        let url = format!("{}{path}", self.gateway.base());
        let response = reqwest::Client::new().get(url).timeout(PATIENCE).send().await.ok()?;
        response.error_for_status().ok()?.json().await.ok()
    }

    /// Replaces whoever has died.
    fn mend(&mut self) {
        if self.has_died(|run| &mut run.gateway.child) {
            self.gateway = self.fleet.gateway();
        }
        if self.has_died(|run| &mut run.worker.child) {
            self.worker = self.fleet.worker("two");
        }
    }

    fn has_died(&mut self, child: impl Fn(&mut Self) -> &mut Child) -> bool {
        let Some(status) = child(self).try_wait().unwrap() else { return false };
        assert_eq!(status.signal(), Some(SIGABRT), "{}: {status}", self.plan);
        self.deaths += 1;
        true
    }
}
