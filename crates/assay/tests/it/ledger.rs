//! What the scripted model, retriever and tools were asked: each notes a call before it does
//! anything else, in a file that all processes of a system share.

use std::path::Path;

use serde::Deserialize;

/// A call of a step, or of a tool by its name.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Call {
    pub(crate) job_id: String,
    pub(crate) step: String,
    pub(crate) attempt: u32,
}

/// All calls, in order. A line that is just being written may be seen in part, and is none yet.
pub(crate) fn read(file: &Path) -> Vec<Call> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
