use tracing::Span;
use tracing::field::Empty;

use super::{TARGET, is_untraced};

/// A call of a tool. `tool` is one of those that were offered, `call_id` the call's name in the
/// job's log.
#[must_use]
pub fn tool_call(tool: &str, call_id: &str) -> Span {
    if is_untraced() {
        return Span::none();
    }
    tracing::info_span!(
        target: TARGET,
        "execute_tool",
        otel.name = format_args!("execute_tool {tool}"),
        otel.status_code = Empty,
        error.type = Empty,
        gen_ai.operation.name = "execute_tool",
        gen_ai.tool.name = tool,
        gen_ai.tool.call.id = call_id,
        gen_ai.tool.type = "function",
    )
}
