//! Planned failure points: the places where a process may die, or do something twice, and nothing
//! may be lost or happen twice to a job.
//!
//! Without the cargo feature `faults`, which no release has, a point is nothing at all. With it, a
//! process can be told what to do at which point; a test drives it to each of them.

/// The points before and after something that can be done once too little or too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Around {
    /// Right before it is begun.
    pub before: Point,
    /// Right after it is known to be done.
    pub after: Point,
}

macro_rules! points {
    ($($(#[$doc:meta])* $pair:ident: $before:ident = $before_name:literal, $after:ident = $after_name:literal;)*) => {
        /// A planned failure point.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Point {
            $(
                #[doc = concat!("`", $before_name, "`")]
                $before,
                #[doc = concat!("`", $after_name, "`")]
                $after,
            )*
        }

        $(
            $(#[$doc])*
            pub const $pair: Around = Around { before: Point::$before, after: Point::$after };
        )*

        #[cfg(feature = "faults")]
        impl Point {
            /// Every point.
            pub const ALL: &[Self] = &[$(Self::$before, Self::$after,)*];

            /// Its name, in [`arm`].
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(
                        Self::$before => $before_name,
                        Self::$after => $after_name,
                    )*
                }
            }
        }
    };
}

points! {
    /// The commit of accepted jobs.
    SUBMIT: BeforeSubmit = "before_submit", AfterSubmit = "after_submit";
    /// The commit of claims.
    CLAIM: BeforeClaim = "before_claim", AfterClaim = "after_claim";
    /// The commit of fenced writes, cancels, and what reads end.
    WRITE: BeforeWrite = "before_write", AfterWrite = "after_write";
    /// The commit of what a sweep changes.
    SWEEP: BeforeSweep = "before_sweep", AfterSweep = "after_sweep";
    /// The commit that marks jobs as hinted.
    REFILL: BeforeRefill = "before_refill", AfterRefill = "after_refill";
    /// The commit of an accepted document.
    ACCEPT: BeforeAccept = "before_accept", AfterAccept = "after_accept";
    /// The commit of a document that was read.
    FINISH: BeforeFinish = "before_finish", AfterFinish = "after_finish";
    /// The publication of a hint, up to its confirmation.
    HINT: BeforeHint = "before_hint", AfterHint = "after_hint";
    /// The acknowledgement of a hint.
    ACK: BeforeAck = "before_ack", AfterAck = "after_ack";
    /// The publication of news.
    NEWS: BeforeNews = "before_news", AfterNews = "after_news";
    /// A retrieval.
    RETRIEVAL: BeforeRetrieval = "before_retrieval", AfterRetrieval = "after_retrieval";
    /// A call of a model.
    MODEL_CALL: BeforeModelCall = "before_model_call", AfterModelCall = "after_model_call";
    /// A call of a tool.
    TOOL_CALL: BeforeToolCall = "before_tool_call", AfterToolCall = "after_tool_call";
}

/// Comes to a point.
#[cfg(not(feature = "faults"))]
#[inline]
pub const fn reach(_: Point) {}

/// Comes to a point after something that may be done again. Whether it is to be done again, as if
/// nobody had noticed that it was.
#[cfg(not(feature = "faults"))]
#[inline]
#[must_use]
pub const fn repeats(_: Point) -> bool {
    false
}

#[cfg(feature = "faults")]
pub use self::armed::{PlanError, arm, reach, repeats};

#[cfg(feature = "faults")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::Point;

    static PLAN: OnceLock<Vec<Fault>> = OnceLock::new();

    /// What is to happen at a point, the first time that it is reached.
    #[derive(Debug)]
    struct Fault {
        point: Point,
        kind: Kind,
        has_happened: AtomicBool,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Kind {
        Kill,
        Repeat,
    }

    /// Not a plan.
    #[derive(Debug, thiserror::Error)]
    #[error("{0:?} is not a point and what happens there, like before_claim=kill")]
    pub struct PlanError(String);

    /// Says what happens at which points: `POINT=kill` or `POINT=repeat`, with commas in between.
    /// It holds for the whole process, and cannot be changed.
    ///
    /// # Errors
    /// [`PlanError`] if this is not such a plan.
    pub fn arm(plan: &str) -> Result<(), PlanError> {
        let faults = plan.split(',').map(Fault::of).collect::<Result<Vec<_>, _>>()?;
        // The first plan stays.
        let _ = PLAN.set(faults);
        Ok(())
    }

    /// Comes to a point.
    pub fn reach(point: Point) {
        repeats(point);
    }

    /// Comes to a point after something that may be done again. Whether it is to be done again, as
    /// if nobody had noticed that it was.
    ///
    /// A process that is to die here does so at once, without any order: nothing is flushed,
    /// nobody is told.
    pub fn repeats(point: Point) -> bool {
        let mut plan = PLAN.get().into_iter().flatten();
        let Some(fault) = plan.find(|fault| fault.point == point) else { return false };
        let is_first = !fault.has_happened.swap(true, Ordering::Relaxed);
        match fault.kind {
            Kind::Kill => std::process::abort(),
            Kind::Repeat => is_first,
        }
    }

    impl Fault {
        fn of(words: &str) -> Result<Self, PlanError> {
            let unknown = || PlanError(words.to_owned());
            let (name, kind) = words.split_once('=').ok_or_else(unknown)?;
            let point = Point::ALL.iter().find(|point| point.name() == name).ok_or_else(unknown)?;
            let kind = match kind {
                "kill" => Kind::Kill,
                "repeat" => Kind::Repeat,
                _ => return Err(unknown()),
            };
            Ok(Self { point: *point, kind, has_happened: AtomicBool::new(false) })
        }
    }
}
