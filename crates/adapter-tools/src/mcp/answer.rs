use engine::ports::ToolError;
use rmcp::model::{CallToolResult, ContentBlock};

use super::offer::{Offered, cut};

/// The text of an answer.
///
/// # Errors
/// [`ToolError::Rejected`] if the tool says that it failed; [`ToolError::Invalid`] if the answer is
/// too large, or not what the tool promises.
pub(super) fn text(
    tool: &Offered,
    result: CallToolResult,
    bytes_max: usize,
) -> Result<String, ToolError> {
    let CallToolResult { content, structured_content, is_error, .. } = result;
    let mut parts: Vec<String> = content.iter().map(shown).collect();
    if parts.is_empty() {
        parts.extend(structured_content.as_ref().map(ToString::to_string));
    }
    let text = parts.join("\n");
    if is_error == Some(true) {
        return Err(ToolError::Rejected(cut(&text)));
    }
    if let Some(broken) = tool.broken_promise(structured_content.as_ref()) {
        return Err(ToolError::Invalid(broken));
    }
    let bytes = text.len();
    if bytes > bytes_max {
        return Err(ToolError::Invalid(format!(
            "it has {bytes} bytes; at most {bytes_max} are taken"
        )));
    }
    Ok(text)
}

/// What a model can read of a part of an answer.
fn shown(part: &ContentBlock) -> String {
    match part.as_text() {
        Some(text) => text.text.clone(),
        None => "(something that is no text)".to_owned(),
    }
}
