use std::sync::OnceLock;

use engine::analysis::PIPELINES;
use engine::faults::{PlanError, arm};

/// Says at which planned points this process dies, or does something twice.
const FAULTS: &str = "ASSAY_FAULTS";
/// Says which versions of the workflow the process's worker runs, newest first, so that a fleet of
/// two releases can be made of one program: each of them does what version 1 does.
const PIPELINES_OF: &str = "ASSAY_PIPELINES";

/// The versions that a worker can be told to run.
const CHOICES: [(&str, &[u32]); 4] = [("1", &[1]), ("2,1", &[2, 1]), ("2", &[2]), ("3,2", &[3, 2])];

/// Those that it was told to.
static CHOSEN: OnceLock<&[u32]> = OnceLock::new();

/// Why this process cannot fail, or differ, as it was told to.
#[derive(Debug, thiserror::Error)]
pub enum FaultsError {
    /// It is none of the points, or nothing that can happen there.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No worker can be told to run these.
    #[error("{PIPELINES_OF} is {0}: it may be 1, or 2, or 2,1, or 3,2")]
    Pipelines(String),
}

/// Reads what is to happen at which planned points, and which versions of the workflow a worker
/// runs. Neither is a setting: no release has it.
///
/// # Errors
/// [`FaultsError`].
pub fn arm_faults() -> Result<(), FaultsError> {
    if let Ok(plan) = std::env::var(FAULTS) {
        arm(&plan)?;
    }
    if let Ok(versions) = std::env::var(PIPELINES_OF) {
        let chosen = CHOICES.iter().find(|(choice, _)| *choice == versions);
        let (_, chosen) = chosen.ok_or(FaultsError::Pipelines(versions))?;
        CHOSEN.get_or_init(|| chosen);
    }
    Ok(())
}

/// The versions of the workflow that this process's worker runs.
pub(crate) fn pipelines() -> &'static [u32] {
    CHOSEN.get().copied().unwrap_or(PIPELINES)
}
