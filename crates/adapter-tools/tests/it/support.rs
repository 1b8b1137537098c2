//! What the tests of this binary share.

use std::time::Duration;

use contracts::JobId;
use engine::ports::{CallContext, ToolArguments};
use serde_json::Value;

/// A call that may take so long.
pub(crate) fn within(left: Duration) -> CallContext {
    CallContext { job_id: JobId::new(), attempt: 1, failures: 0, left }
}

pub(crate) fn asking(tool: &str, arguments: Value) -> ToolArguments {
    ToolArguments { tool: tool.to_owned(), arguments }
}
