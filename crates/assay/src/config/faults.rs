use engine::faults::{PlanError, arm};

/// Says at which planned points this process dies, or does something twice.
const VARIABLE: &str = "ASSAY_FAULTS";

/// Reads what is to happen at which planned points. It is no setting: no release has it.
///
/// # Errors
/// If it is none of the points, or nothing that can happen there.
pub fn arm_faults() -> Result<(), PlanError> {
    match std::env::var(VARIABLE) {
        Ok(plan) => arm(&plan),
        Err(_) => Ok(()),
    }
}
