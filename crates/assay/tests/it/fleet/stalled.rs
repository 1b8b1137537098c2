//! Thousands of readers that take nothing cost a bounded amount, and cost others nothing; they are
//! cut, told, and lose nothing when they come back.

mod cuts;
mod others;
mod readers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use contracts::Job;
use testkit::proof::{self, Length, figure};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::processes::{Fleet, Servers};
use super::verified;
use crate::client::Client;
use crate::process::{Server, Worker};
use cuts::Cuts;
use others::{Others, P99, Waits};
use readers::{Log, Place, Reader, Return, Shown, Transport};

/// Readers that take nothing. They share jobs, evenly: as many jobs as readers would be 25 GB of
/// logs.
const READERS: Length = Length { short: 200, long: 5_000 };
/// Jobs that are written while nobody reads them. All are written at once, so that all readers stall
/// at once: more than these keep two cores busy for longer than a reader stalls.
const JOBS: Length = Length { short: 20, long: 24 };
/// Bytes of each job's answer.
const OUTPUT_BYTES: Length = Length { short: 1_000_000, long: 5_000_000 };
/// How long others are measured: without readers that stall, and with them.
const MEASURED_S: Length = Length { short: 4, long: 25 };
/// What is promised of the gateway's memory.
const RSS_MAX_KIB: usize = 600 * 1024;
/// What a reader may stall for before it is cut.
const STALL: Duration = Duration::from_secs(30);
/// What the slowest machine takes to write all of the logs, or to cut all who read none.
const WRITING_MAX: Duration = Duration::from_secs(600);
/// Readers that connect at the same time.
const CONNECTING_MAX: usize = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stalled_readers_cost_little_and_others_nothing_and_resume_without_loss() {
    assay::descriptors::raise_limit();
    let Some(servers) = Servers::start().await else { return };
    let bed = Bed::start(&servers);
    let measured = Duration::from_secs(MEASURED_S.now("ASSAY_TEST_STALLED_SECONDS") as u64);

    let jobs = bed.submit().await;
    let workers = bed.start_workers();
    let without = bed.others.measure(measured).await;
    bed.until_ended(&jobs).await;
    for worker in workers {
        assert!(worker.terminate());
    }

    let jobs = bed.submit().await;
    let (logs, readers) = bed.attach(&jobs).await;
    let before_kib = bed.rss_kib("VmRSS");
    let _workers = bed.start_workers();
    let (stop, watching) = bed.watch_rss();
    let written = async {
        bed.until_ended(&jobs).await;
        Instant::now()
    };
    let (with, cutting, written) =
        tokio::join!(bed.others.measure(measured), bed.cuts.all(), written);
    let stalled = with.clone().since(written);
    stop.send(()).unwrap();
    let stalled_kib = watching.await.unwrap();
    figure("stalled readers", bed.readers);
    figure("stalled readers, jobs that they read, and bytes of each answer", bed.extent());
    figure("stalled readers, from the first cut to the last", format!("{cutting:.1?}"));
    figure("stalled readers, RSS of the gateway before, MiB", before_kib / 1024);
    figure("stalled readers, RSS of the gateway while they stalled, MiB", stalled_kib / 1024);
    assert!(cutting < STALL, "they did not all stall at the same time: {cutting:?}");
    bed.show_logs(&jobs, &logs).await;

    let began = Instant::now();
    let (returning, returns) = tokio::join!(bed.others.measure(measured), readers.join_all());
    figure("stalled readers, seconds of their return", began.elapsed().as_secs());
    Told::count(&returns).report();
    let peak_kib = bed.rss_kib("VmHWM");
    figure("stalled readers, highest RSS of the gateway at all, MiB", peak_kib / 1024);
    compare([&without, &with, &stalled, &returning].map(Waits::p99));
    figure("stalled readers, jobs of others, without and with", without.jobs_and(&with));
    figure("stalled readers, `assay verify`", verified(&bed.fleet));
    assert!(peak_kib <= RSS_MAX_KIB, "{peak_kib} KiB");
}

/// Says what others waited for without readers that stall; with them, from the first byte that was
/// written for them; once all was written and they did nothing but stall; and on their return.
/// Asserts that those who stalled changed nothing.
fn compare(p99s: [P99; 4]) {
    let kinds = [
        ("submissions", p99s.each_ref().map(|p99| p99.submissions)),
        ("reads", p99s.each_ref().map(|p99| p99.reads)),
        ("live events", p99s.each_ref().map(|p99| p99.live_events)),
    ];
    for (what, [without, with, stalled, returning]) in kinds {
        let times = format!(
            "{without:.1?} without, {with:.1?} with, {stalled:.1?} once all was written, \
             {returning:.1?} on return"
        );
        figure(&format!("stalled readers, p99 of others' {what}"), times);
        for times in [with, stalled] {
            assert!(times <= allowed(without), "{what}: {times:?}, and {without:?} without");
        }
    }
}

/// What others may wait for while readers stall, if without them they wait for so long: as long,
/// but for the noise of two measurements.
fn allowed(without: Duration) -> Duration {
    if proof::is_long() {
        without * 2 + Duration::from_millis(50)
    } else {
        without * 4 + Duration::from_millis(250)
    }
}

/// One gateway, everybody who uses it, and how much of everything there is.
struct Bed {
    fleet: Fleet,
    gateway: Server,
    client: Client,
    others: Others,
    jobs: usize,
    readers: usize,
    cuts: Cuts,
    output_bytes: usize,
}

impl Bed {
    fn start(servers: &Servers<'_>) -> Self {
        let fleet = Fleet::new(servers);
        let readers = READERS.now("ASSAY_TEST_STALLED_READERS");
        let (cuts, log) = Cuts::watch(readers);
        let mut command = fleet.gateway_command("127.0.0.1:0");
        command.env("ASSAY_LOG", Cuts::LOGGED).stderr(log);
        let gateway = Server::of(command);
        let address = gateway.base().strip_prefix("http://").unwrap().parse().unwrap();
        let client = Client::of(address);
        Self {
            fleet,
            gateway,
            others: Others::of(client.clone()),
            client,
            jobs: JOBS.now("ASSAY_TEST_STALLED_JOBS"),
            readers,
            cuts,
            output_bytes: OUTPUT_BYTES.now("ASSAY_TEST_STALLED_BYTES"),
        }
    }

    fn extent(&self) -> String {
        format!("{} × {}", self.jobs, self.output_bytes)
    }

    /// Jobs that wait for a worker.
    async fn submit(&self) -> Vec<Job> {
        let question = format!("script: delay_ms=0 output_bytes={}", self.output_bytes);
        let mut jobs = Vec::new();
        for _ in 0..self.jobs {
            jobs.push(self.gateway.submit(&question).await);
        }
        jobs
    }

    /// Workers with slots for all of the jobs at once, and for those of others.
    fn start_workers(&self) -> Vec<Worker> {
        let start = |name| {
            let mut command = self.fleet.worker_command(name);
            command.env("ASSAY_SLOTS", self.jobs.to_string());
            Worker::of(command)
        };
        vec![start("one"), start("two")]
    }

    async fn until_ended(&self, jobs: &[Job]) {
        for job in jobs {
            let has_ended = async || self.gateway.job(job).await.state.is_terminal().then_some(());
            testkit::eventually(WRITING_MAX, has_ended).await;
        }
    }

    /// Readers that follow their job, and take nothing from its first event on until they are cut;
    /// and what shows them the log of each job.
    async fn attach(&self, jobs: &[Job]) -> (Vec<watch::Sender<Shown>>, JoinSet<Return>) {
        let logs: Vec<_> = jobs.iter().map(|_| watch::Sender::new(None)).collect();
        let (connecting, mut readers) = (Arc::new(Semaphore::new(CONNECTING_MAX)), JoinSet::new());
        let mut attached = Vec::new();
        for number in 0..self.readers {
            let (job, log) = (&jobs[number % jobs.len()], &logs[number % jobs.len()]);
            let place = Place {
                client: self.client.clone(),
                path: job.links.this.clone(),
                transport: Transport::of(number),
                name: Cuts::name(number),
            };
            let (is_cut, log) = (self.cuts.of(number), log.subscribe());
            let permit = Arc::clone(&connecting).acquire_owned().await.unwrap();
            let (ready, is_ready) = oneshot::channel();
            attached.push(is_ready);
            readers.spawn(async move {
                let reader = Reader::attach(place).await;
                drop(permit);
                ready.send(()).unwrap();
                reader.stall_and_return(&is_cut, log).await
            });
        }
        for is_ready in attached {
            is_ready.await.expect("a reader is attached");
        }
        (logs, readers)
    }

    /// Shows the readers of each job what they should have seen.
    async fn show_logs(&self, jobs: &[Job], logs: &[watch::Sender<Shown>]) {
        for (job, shown) in jobs.iter().zip(logs) {
            let log = Arc::new(Log::read(&self.client, &job.links.events).await);
            shown.send_replace(Some(log));
        }
    }

    /// The highest RSS of the gateway until it is told to stop looking.
    fn watch_rss(&self) -> (oneshot::Sender<()>, JoinHandle<usize>) {
        let status = format!("/proc/{}/status", self.gateway.pid());
        let (stop, mut stopped) = oneshot::channel();
        let watching = tokio::spawn(async move {
            let mut highest = 0;
            loop {
                highest = highest.max(field_kib(&status, "VmRSS"));
                tokio::select! {
                    _ = &mut stopped => return highest,
                    () = tokio::time::sleep(Duration::from_millis(250)) => {}
                }
            }
        });
        (stop, watching)
    }

    fn rss_kib(&self, field: &str) -> usize {
        field_kib(&format!("/proc/{}/status", self.gateway.pid()), field)
    }
}

fn field_kib(status: &str, field: &str) -> usize {
    let text = std::fs::read_to_string(status).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap().trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// What became of those who stalled.
#[derive(Debug, Default)]
struct Told {
    all: usize,
    sockets: usize,
    event_streams: usize,
    refused: usize,
    bytes: usize,
}

impl Told {
    fn count(returns: &[Return]) -> Self {
        let mut told = Self { all: returns.len(), ..Self::default() };
        for Return { transport, was_told, refused, bytes } in returns {
            match transport {
                Transport::WebSocket => told.sockets += usize::from(*was_told),
                Transport::EventStream => told.event_streams += usize::from(*was_told),
            }
            told.refused += refused;
            told.bytes += bytes;
        }
        told
    }

    /// Says it, and asserts that everybody was told.
    fn report(&self) {
        figure("stalled readers, cut with 4420", self.sockets);
        figure("stalled readers, event streams cut and told", self.event_streams);
        figure("stalled readers, transcripts that were the log", self.all);
        figure("stalled readers, connections refused on their return", self.refused);
        figure("stalled readers, MB read on their return", self.bytes / 1_000_000);
        assert_eq!(self.sockets + self.event_streams, self.all, "{self:?}");
    }
}
