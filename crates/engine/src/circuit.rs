//! When to call what may be out: a circuit breaker, pure.
//!
//! Closed, every call passes. Open, none does until the next probe; then one call alone is the
//! probe, and its outcome closes the circuit or opens it for twice as long (Nygard, "Release It!",
//! 2nd ed., 2018, §5.4). What a failure costs its job is decided here, too: a job loses at most one
//! attempt to an outage, however many processes try it, each with a circuit of its own.
//!
//! - The first failure in a row is the job's. It may be its fault.
//! - The second one in a row opens the circuit, and is the outage's.
//! - A failure of a job that has failed before is the second one of its own: it opens the circuit
//!   at once. If the next probe succeeds with another job, nothing was out but what that job needs,
//!   and what fails of it later counts.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use contracts::JobId;

use crate::retry::RetryPolicy;

/// Failures in a row that open a circuit.
const FAILURES_TO_OPEN: u32 = 2;
/// The times from one probe to the next, before their jitter.
const WAITS: RetryPolicy =
    RetryPolicy { initial: Duration::from_secs(1), multiplier: 2.0, max: Duration::from_secs(30) };
/// Jobs that are remembered to be at fault themselves; the oldest are forgotten first.
const AT_FAULT_MAX: usize = 64;

/// Whether calls of one thing may be made, as far as one process knows.
#[derive(Debug, Clone)]
pub struct Circuit {
    state: State,
    /// Grows when the circuit opens and when it closes: what began before tells nothing.
    era: u64,
    at_fault: VecDeque<JobId>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Closed { failures: u32 },
    Open(Outage),
    Probing(Outage),
}

#[derive(Debug, Clone, Copy)]
struct Outage {
    /// Probes that failed.
    probes: u32,
    probe_at: Instant,
    /// The job whose failures alone tell of it.
    witness: Option<JobId>,
}

/// Who wants to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The job.
    pub job_id: JobId,
    /// How many of its attempts have failed.
    pub failures: u32,
}

/// Leave to make one call, whose outcome is to be told to [`Circuit::settle`].
#[derive(Debug)]
#[must_use = "a probe whose outcome is not told is never followed by another"]
pub struct Pass {
    caller: Caller,
    era: u64,
    is_probe: bool,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer; a refusal of what was asked is one.
    Answered,
    /// With a failure that an outage may be the reason of.
    Failed,
    /// Nobody knows: it was given up before its end.
    Unknown,
}

/// The time of a decision, and a random number in `0.0..1.0` for its jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Now, of a clock that does not run backwards.
    pub now: Instant,
    /// The random number.
    pub uniform: f64,
}

impl Default for Circuit {
    fn default() -> Self {
        Self { state: State::Closed { failures: 0 }, era: 0, at_fault: VecDeque::new() }
    }
}

impl Circuit {
    /// How long a caller would have to wait, if no call may be made now. Callers that ask at the
    /// same time are sent away for different times, so that they do not come back together.
    ///
    /// At least a few milliseconds, at the most 45 s.
    #[must_use]
    pub fn refusal(&self, at: Moment) -> Option<Duration> {
        match self.state {
            State::Closed { .. } => None,
            State::Open(outage) if at.now >= outage.probe_at => None,
            State::Open(outage) => Some(outage.wait(at, at.uniform)),
            State::Probing(outage) => Some(outage.interval(at.uniform)),
        }
    }

    /// Whether calls are held back, but for probes.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        match self.state {
            State::Closed { .. } => false,
            State::Open(_) | State::Probing(_) => true,
        }
    }

    /// Lets a call pass, or says how long to wait, as [`Self::refusal`] does.
    ///
    /// # Errors
    /// The wait.
    pub fn admit(&mut self, caller: Caller, at: Moment) -> Result<Pass, Duration> {
        if let Some(wait) = self.refusal(at) {
            return Err(wait);
        }
        let is_probe = match self.state {
            State::Closed { .. } => false,
            State::Open(outage) | State::Probing(outage) => {
                self.state = State::Probing(outage);
                true
            }
        };
        Ok(Pass { caller, era: self.era, is_probe })
    }

    /// Learns how a call ended. `Some` is how long its job is to wait, without a failure: the
    /// outage's, not its own.
    pub fn settle(&mut self, pass: Pass, outcome: Outcome, at: Moment) -> Option<Duration> {
        let Pass { caller, era, is_probe } = pass;
        let is_current = era == self.era;
        match (outcome, self.state) {
            (Outcome::Unknown, State::Probing(outage)) if is_probe && is_current => {
                self.state = State::Open(Outage { probe_at: at.now, ..outage });
                None
            }
            (Outcome::Answered, State::Closed { .. }) if is_current => {
                self.state = State::Closed { failures: 0 };
                None
            }
            (Outcome::Answered, State::Probing(outage)) if is_probe && is_current => {
                self.close(outage, caller);
                None
            }
            (Outcome::Unknown | Outcome::Answered, _) => None,
            (Outcome::Failed, State::Closed { failures }) if is_current => {
                self.note_failure(failures + 1, caller, at)
            }
            // The outage that it may have failed in is over.
            (Outcome::Failed, State::Closed { .. }) => {
                self.vouches(caller).then(|| WAITS.ceiling(0))
            }
            (Outcome::Failed, State::Probing(outage)) if is_probe && is_current => {
                let witness = outage.witness.filter(|witness| *witness == caller.job_id);
                Some(self.open(Outage { probes: outage.probes + 1, witness, ..outage }, at))
            }
            (Outcome::Failed, State::Open(outage) | State::Probing(outage)) => {
                Some(outage.wait(at, at.uniform))
            }
        }
    }

    fn note_failure(&mut self, failures: u32, caller: Caller, at: Moment) -> Option<Duration> {
        let is_alone = failures < FAILURES_TO_OPEN;
        if is_alone && !self.vouches(caller) {
            self.state = State::Closed { failures };
            return None;
        }
        self.era += 1;
        let witness = is_alone.then_some(caller.job_id);
        Some(self.open(Outage { probes: 0, probe_at: at.now, witness }, at))
    }

    /// Opens for the next interval. Who failed comes last: where it is the job that is at fault,
    /// another one is to probe.
    fn open(&mut self, outage: Outage, at: Moment) -> Duration {
        let outage = Outage { probe_at: at.now + outage.interval(at.uniform), ..outage };
        self.state = State::Open(outage);
        outage.wait(at, 1.0)
    }

    fn close(&mut self, outage: Outage, caller: Caller) {
        self.era += 1;
        self.state = State::Closed { failures: 0 };
        if let Some(witness) = outage.witness.filter(|witness| *witness != caller.job_id) {
            if self.at_fault.len() >= AT_FAULT_MAX {
                self.at_fault.pop_front();
            }
            self.at_fault.push_back(witness);
        }
    }

    /// Whether a job's failure is its second one, and not its own fault.
    fn vouches(&self, caller: Caller) -> bool {
        caller.failures > 0 && !self.at_fault.contains(&caller.job_id)
    }
}

impl Outage {
    /// From one probe to the next: half of it fixed, so that it is never none.
    fn interval(&self, uniform: f64) -> Duration {
        WAITS.ceiling(self.probes).mul_f64(0.5 + uniform.clamp(0.0, 1.0) / 2.0)
    }

    /// From now to the next probe, and after it a part of what callers are spread over.
    fn wait(&self, at: Moment, part: f64) -> Duration {
        let spread = WAITS.ceiling(self.probes).mul_f64(part.clamp(0.0, 1.0) / 2.0);
        let wait = self.probe_at.saturating_duration_since(at.now) + spread;
        wait.max(Duration::from_millis(10))
    }
}
