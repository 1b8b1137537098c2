use std::borrow::Cow;
use std::fmt::Write as _;

use super::Boundary;
use crate::ports::{RetrievedPassage, SynthesisRequest, ToolExchange, ToolOutcome};

/// Every text of a request that is not ours: none of them may hold the boundary.
pub(super) fn texts<'a>(request: &SynthesisRequest<'a>) -> Vec<Cow<'a, str>> {
    let mut texts: Vec<Cow<'a, str>> = vec![request.company_name.into(), request.question.into()];
    for passage in request.passages {
        let RetrievedPassage { title, heading, table_head, text, .. } = passage;
        texts.extend([title, heading, table_head, text].map(|text| Cow::from(text.as_str())));
    }
    for ToolExchange { asked, outcome, .. } in request.tool_calls {
        texts.extend([asked.tool.as_str().into(), asked.arguments.to_string().into()]);
        match outcome {
            ToolOutcome::Answered(text) | ToolOutcome::Failed(text) => {
                texts.push(text.as_str().into());
            }
        }
    }
    texts
}

/// The question and all that it is to be answered from; what to do stands last.
pub(super) fn user(request: &SynthesisRequest<'_>, boundary: &Boundary, task: &str) -> String {
    let mut user = String::new();
    for (index, passage) in request.passages.iter().enumerate() {
        let page = passage.page.map(|page| format!(", page {page}")).unwrap_or_default();
        let mut content = format!("Document: {}{page}\n", passage.title);
        let above = passage.above();
        if !above.is_empty() {
            line(&mut content, &format!("Under:\n{}", above.join("\n")));
        }
        line(&mut content, &format!("Text:\n{}", passage.text));
        line(&mut user, &format!("Passage [{}]:", index + 1));
        part(&mut user, boundary, "passage", &content);
    }
    if request.passages.is_empty() {
        line(&mut user, "There are no passages.\n");
    }
    for ToolExchange { asked, outcome, .. } in request.tool_calls {
        let (what, text) = match outcome {
            ToolOutcome::Answered(text) => ("answered", text),
            ToolOutcome::Failed(text) => ("did not answer", text),
        };
        let call =
            format!("Tool: {}\nArguments: {}\nIt {what}:\n{text}\n", asked.tool, asked.arguments);
        line(&mut user, "A tool was called:");
        part(&mut user, boundary, "tool", &call);
    }
    line(&mut user, "The company and the question:");
    let question = format!("Company: {}\nQuestion: {}\n", request.company_name, request.question);
    part(&mut user, boundary, "question", &question);
    user.push_str(task);
    user
}

/// Data between its tags, each on a line of its own.
fn part(user: &mut String, boundary: &Boundary, kind: &str, content: &str) {
    line(user, &boundary.open(kind));
    line(user, content.trim_end_matches('\n'));
    line(user, &format!("{}\n", boundary.close(kind)));
}

fn line(text: &mut String, line: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}
