//! The workflow: plan → retrieve → tools → synthesize → verify, one file a step.
//!
//! Each step is a function from what it depends on to what it produces; running, checkpointing
//! and retrying them is [`crate::services::RunJob`]'s work.

pub mod lexical;
pub mod plan;
pub mod retrieve;
pub mod synthesize;
pub mod tools;
pub mod verify;

use std::time::Duration;

use contracts::event::StepKind;

pub use plan::Plan;

/// The version of the workflow that this release runs. It changes when a finished step of the
/// former workflow could not be taken over.
pub const PIPELINE_VERSION: u32 = 1;

/// The steps of the workflow, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepName {
    /// What is asked.
    Plan,
    /// Which passages may hold the answer.
    Retrieve,
    /// What tools can add.
    Tools,
    /// The answer, cited.
    Synthesize,
    /// Whether the answer holds.
    Verify,
}

impl StepName {
    /// Every step, in order.
    pub const ALL: [Self; 5] =
        [Self::Plan, Self::Retrieve, Self::Tools, Self::Synthesize, Self::Verify];

    /// The step's name in events and stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Retrieve => "retrieve",
            Self::Tools => "tools",
            Self::Synthesize => "synthesize",
            Self::Verify => "verify",
        }
    }

    /// What the step works with.
    #[must_use]
    pub const fn kind(self) -> StepKind {
        match self {
            Self::Plan | Self::Synthesize | Self::Verify => StepKind::Model,
            Self::Retrieve => StepKind::Retrieval,
            Self::Tools => StepKind::Tool,
        }
    }

    /// The longest that one run of the step may take; a job's deadline may leave less.
    #[must_use]
    pub const fn limit(self) -> Duration {
        match self {
            Self::Plan | Self::Verify => Duration::from_secs(10),
            Self::Retrieve => Duration::from_secs(60),
            Self::Tools | Self::Synthesize => Duration::from_secs(300),
        }
    }
}
