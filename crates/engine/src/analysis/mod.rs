//! The workflow: plan → retrieve → tools → synthesize → verify, one file a step.
//!
//! Each step is a function from what it depends on to what it produces; running, checkpointing
//! and retrying them is [`crate::services::RunJob`]'s work.

pub mod lexical;
pub mod plan;
pub mod prompt;
pub mod retrieve;
pub mod synthesize;
pub mod tools;
pub mod verify;

use std::time::Duration;

use contracts::Submission;
use contracts::event::StepKind;
use sha2::{Digest as _, Sha256};

pub use plan::Plan;

/// The versions of the workflow that this release runs, newest first.
///
/// A new version is wanted when a finished step of the former workflow could not be gone on from.
/// A release that brings one still runs the former release's, so that the two can share jobs while
/// one replaces the other: it adds the new version in front, and drops the one before the last.
/// Until then both are there: code that differs asks for the job's version. An upgrade is never a
/// reason to start a job over, and a rollback only one release back is.
pub const PIPELINES: &[u32] = &[1];

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

    /// The step with this name, or whose part has this name: `tools/call-1` is a part of `tools`.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let step = name.split('/').next()?;
        Self::ALL.into_iter().find(|known| known.as_str() == step)
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

/// What the output of a step, or of a part of one, depends on but the corpus: the workflow, its
/// name, and the request that all steps before it depend on too. Equal inputs have equal hashes.
#[must_use]
pub fn input_sha256(pipeline_version: u32, step: &str, submission: &Submission) -> [u8; 32] {
    let Submission { company_name, question, document_ids, model, .. } = submission;
    let input = (pipeline_version, step, company_name, question, document_ids, model);
    Sha256::digest(serde_json::to_vec(&input).unwrap_or_default()).into()
}
