//! The circuit breaker: when it opens, whom it lets through, and what an outage costs a job.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contracts::JobId;
use engine::circuit::{Caller, Circuit, Moment, Outcome, Pass};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq};
use proptest::proptest;
use uuid::Uuid;

const SECOND: Duration = Duration::from_secs(1);
/// The longest wait that anybody is told.
const WAIT_MAX: Duration = Duration::from_secs(45);

fn caller(job: u128, failures: u32) -> Caller {
    Caller { job_id: JobId::from_uuid(Uuid::from_u128(job)), failures }
}

/// A circuit and a clock that is moved by hand, without jitter.
struct Bench {
    circuit: Circuit,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        Self { circuit: Circuit::default(), now: Instant::now() }
    }

    fn at(&self) -> Moment {
        Moment { now: self.now, uniform: 1.0 }
    }

    fn admit(&mut self, job: u128, failures: u32) -> Result<Pass, Duration> {
        self.circuit.admit(caller(job, failures), self.at())
    }

    fn settle(&mut self, pass: Pass, outcome: Outcome) -> Option<Duration> {
        let at = self.at();
        self.circuit.settle(pass, outcome, at)
    }

    /// A call that ends at once. `None` if it was refused.
    fn call(&mut self, job: u128, failures: u32, outcome: Outcome) -> Option<Option<Duration>> {
        let pass = self.admit(job, failures).ok()?;
        Some(self.settle(pass, outcome))
    }

    /// Fails with two jobs, and waits for the first probe.
    fn opened() -> Self {
        let mut bench = Self::new();
        assert_eq!(bench.call(1, 0, Outcome::Failed), Some(None));
        assert!(bench.call(2, 0, Outcome::Failed).unwrap().is_some());
        bench.now += SECOND;
        bench
    }
}

#[test]
fn the_second_failure_in_a_row_opens_and_is_the_outages() {
    let mut bench = Bench::new();
    assert_eq!(bench.call(1, 0, Outcome::Failed), Some(None), "it may be the job's own");
    assert_eq!(bench.call(2, 0, Outcome::Answered), Some(None));
    assert_eq!(bench.call(3, 0, Outcome::Failed), Some(None), "not in a row");
    assert!(bench.call(4, 0, Outcome::Failed).unwrap().is_some());
    assert_eq!(bench.call(5, 0, Outcome::Answered), None, "it is open");
}

#[test]
fn a_job_that_has_failed_opens_alone_and_loses_nothing_more() {
    let mut bench = Bench::new();
    assert!(bench.call(1, 1, Outcome::Failed).unwrap().is_some());
    assert_eq!(bench.call(2, 0, Outcome::Answered), None);
}

#[test]
fn calls_that_were_under_way_when_it_opened_cost_their_jobs_nothing() {
    let mut bench = Bench::new();
    let early: Vec<Pass> = (10..14).map(|job| bench.admit(job, 0).unwrap()).collect();
    bench.call(1, 1, Outcome::Failed);
    for pass in early {
        assert!(bench.settle(pass, Outcome::Failed).is_some());
    }
}

#[test]
fn what_was_under_way_when_it_opened_does_not_close_it() {
    let mut bench = Bench::new();
    let early = bench.admit(9, 0).unwrap();
    bench.call(1, 1, Outcome::Failed);
    assert_eq!(bench.settle(early, Outcome::Answered), None);
    assert_eq!(bench.call(2, 0, Outcome::Answered), None, "it is open");
}

#[test]
fn the_wait_for_the_next_probe_doubles_from_1_s_to_30_s() {
    let mut bench = Bench::opened();
    let mut waits = Vec::new();
    for job in 3..10 {
        assert!(bench.call(job, 0, Outcome::Failed).unwrap().is_some(), "probe {job}");
        let opened = bench.now;
        while bench.circuit.refusal(bench.at()).is_some() {
            bench.now += SECOND;
        }
        waits.push((bench.now - opened).as_secs());
    }
    assert_eq!(waits, [2, 4, 8, 16, 30, 30, 30]);
}

#[test]
fn one_probe_at_a_time_passes_and_its_success_closes() {
    let mut bench = Bench::opened();
    let probe = bench.admit(3, 0).unwrap();
    for job in 4..9 {
        assert!(bench.admit(job, 0).is_err(), "a probe is under way");
    }
    assert_eq!(bench.settle(probe, Outcome::Answered), None);
    for job in 4..9 {
        assert_eq!(bench.call(job, 0, Outcome::Answered), Some(None));
    }
    assert_eq!(bench.call(9, 0, Outcome::Failed), Some(None), "the count began anew");
}

#[test]
fn a_probe_that_is_given_up_makes_room_for_another() {
    let mut bench = Bench::opened();
    let probe = bench.admit(3, 0).unwrap();
    assert_eq!(bench.settle(probe, Outcome::Unknown), None);
    assert_eq!(bench.call(4, 0, Outcome::Answered), Some(None));
}

#[test]
fn a_job_that_alone_fails_is_found_out_and_stops_nobody_after_that() {
    let mut bench = Bench::new();
    assert!(bench.call(1, 1, Outcome::Failed).unwrap().is_some(), "it may be an outage");
    bench.now += SECOND;
    assert_eq!(bench.call(2, 0, Outcome::Answered), Some(None), "it was none");
    for failures in 1..4 {
        assert_eq!(bench.call(1, failures, Outcome::Failed), Some(None), "it counts");
        assert_eq!(bench.call(3, 0, Outcome::Answered), Some(None), "nobody else is stopped");
    }
}

#[test]
fn whoever_failed_comes_back_after_those_who_wait() {
    let mut bench = Bench::new();
    let failed = bench.call(1, 1, Outcome::Failed).flatten().unwrap();
    for uniform in [0.0, 0.5, 0.99] {
        let waits = bench.circuit.refusal(Moment { now: bench.now, uniform }).unwrap();
        assert!(waits < failed);
    }
}

/// A few processes try a few jobs against one provider that is in order and out by turns.
#[derive(Debug, Clone)]
struct Turn {
    job: usize,
    process: usize,
    uniform: f64,
    is_given_up: bool,
    /// From the turn before.
    ms: u64,
    /// Of the call.
    takes_ms: u64,
}

fn turn() -> impl Strategy<Value = Turn> {
    (0..6_usize, 0..3_usize, 0.0..1.0, 0..9_u8, 0..3_000_u64, 0..2_000_u64).prop_map(
        |(job, process, uniform, give_up, ms, takes_ms)| Turn {
            job,
            process,
            uniform,
            is_given_up: give_up == 0,
            ms,
            takes_ms,
        },
    )
}

#[derive(Debug, Default, Clone, Copy)]
struct Tried {
    failures: u32,
    not_before_ms: u64,
}

/// Calls that are under way, by when they end.
type UnderWay = BTreeMap<(u64, usize), (Turn, Pass)>;

struct World {
    began: Instant,
    now_ms: u64,
    processes: Vec<Circuit>,
    jobs: Vec<Tried>,
    under_way: UnderWay,
}

impl World {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            now_ms: 0,
            processes: vec![Circuit::default(); 3],
            jobs: vec![Tried::default(); 6],
            under_way: UnderWay::new(),
        }
    }

    fn at(&self, uniform: f64) -> Moment {
        Moment { now: self.began + Duration::from_millis(self.now_ms), uniform }
    }

    /// Makes the turn's call, if its job waits for nothing; it ends later.
    fn begin(&mut self, number: usize, turn: &Turn) {
        self.now_ms += turn.ms;
        let is_busy = self.under_way.values().any(|(other, _)| other.job == turn.job);
        let job = self.jobs[turn.job];
        if is_busy || job.not_before_ms > self.now_ms {
            return;
        }
        let at = self.at(turn.uniform);
        let caller = caller(turn.job as u128, job.failures);
        match self.processes[turn.process].admit(caller, at) {
            Ok(pass) => {
                let ends_ms = self.now_ms + turn.takes_ms;
                self.under_way.insert((ends_ms, number), (turn.clone(), pass));
            }
            Err(wait) => self.postpone(turn.job, wait),
        }
    }

    fn end_due(&mut self, is_out: bool) {
        while let Some(entry) = self.under_way.first_entry()
            && entry.key().0 <= self.now_ms
        {
            let (turn, pass) = entry.remove();
            let outcome = match (turn.is_given_up, is_out) {
                (true, _) => Outcome::Unknown,
                (false, true) => Outcome::Failed,
                (false, false) => Outcome::Answered,
            };
            let at = self.at(turn.uniform);
            match self.processes[turn.process].settle(pass, outcome, at) {
                Some(wait) => self.postpone(turn.job, wait),
                None if outcome == Outcome::Failed => self.jobs[turn.job].failures += 1,
                None => {}
            }
        }
    }

    fn postpone(&mut self, job: usize, wait: Duration) {
        assert!(!wait.is_zero() && wait <= WAIT_MAX, "{wait:?}");
        self.jobs[job].not_before_ms = self.now_ms + u64::try_from(wait.as_millis()).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_job_loses_at_most_one_attempt_to_an_outage_whoever_tries_it(
        turns in proptest::collection::vec(turn(), 1..200),
    ) {
        let mut world = World::new();
        for (number, turn) in turns.iter().enumerate() {
            world.begin(number, turn);
            world.end_due(true);
        }
        for job in &world.jobs {
            prop_assert!(job.failures <= 1, "{:?}", world.jobs);
        }
    }

    #[test]
    fn after_an_outage_every_job_that_comes_back_at_its_time_is_served(
        turns in proptest::collection::vec(turn(), 1..100),
        uniform in 0.0..1.0,
    ) {
        let mut world = World::new();
        for (number, turn) in turns.iter().enumerate() {
            world.begin(number, turn);
            world.end_due(true);
        }
        world.now_ms += 2_000;
        world.end_due(true);
        prop_assert!(world.under_way.is_empty());
        // It is back. Whoever waits longest has waited so long.
        world.now_ms += u64::try_from(WAIT_MAX.as_millis()).unwrap();
        for process in 0..3 {
            for job in 0..6 {
                let at = world.at(uniform);
                let caller = caller(job as u128, world.jobs[job].failures);
                let pass = world.processes[process].admit(caller, at).unwrap();
                prop_assert_eq!(world.processes[process].settle(pass, Outcome::Answered, at), None);
            }
        }
    }

    #[test]
    fn while_it_is_out_one_call_at_most_is_under_way(
        // Each: how long after the one before, and how the probe that is under way ends then.
        turns in proptest::collection::vec((0..40_000_u64, any::<Option<bool>>()), 1..100),
    ) {
        let mut bench = Bench::opened();
        let mut probe = None;
        for (ms, end) in turns {
            bench.now += Duration::from_millis(ms);
            match bench.admit(3, 0) {
                Ok(pass) => prop_assert!(probe.replace(pass).is_none(), "two probes"),
                Err(wait) => prop_assert!(wait <= WAIT_MAX),
            }
            if let (Some(is_failure), true) = (end, probe.is_some()) {
                let outcome = if is_failure { Outcome::Failed } else { Outcome::Unknown };
                let wait = probe.take().and_then(|probe| bench.settle(probe, outcome));
                prop_assert_eq!(wait.is_some(), is_failure);
            }
        }
    }

    #[test]
    fn those_who_wait_are_spread(n in 1..200_u32) {
        let mut bench = Bench::opened();
        for job in 3..6 {
            bench.call(job, 0, Outcome::Failed);
            bench.now += Duration::from_secs(60);
        }
        bench.call(6, 0, Outcome::Failed);
        let waits = (0..n).map(|i| {
            let uniform = f64::from(i) / f64::from(n);
            bench.circuit.refusal(Moment { now: bench.now, uniform }).unwrap().as_millis()
        });
        let distinct: std::collections::BTreeSet<u128> = waits.collect();
        prop_assert_eq!(distinct.len(), n as usize);
    }
}
