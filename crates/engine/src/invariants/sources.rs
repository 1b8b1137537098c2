//! No invented sources.

use contracts::EventBody;
use contracts::result::Source;

use crate::job::Recorded;
use crate::ports::JobRecord;

pub(super) fn finding(record: &JobRecord, log: &[Recorded]) -> Option<String> {
    let result = record.result.as_ref()?;
    let retrieved: Vec<&Source> = log.iter().filter_map(retrieved).collect();
    let invented = result
        .sources
        .iter()
        .find(|source| !retrieved.iter().any(|retrieved| is_the_same(retrieved, source)));
    if let Some(source) = invented {
        return Some(format!("source {} has no source.retrieved event", source.id));
    }
    let chars = result.summary.chars().count();
    result.citations.iter().find_map(|citation| {
        let (start, end, id) = (citation.start, citation.end, &citation.source_id);
        if !result.sources.iter().any(|source| source.id == *id) {
            return Some(format!("the citation {start}..{end} is of {id}, which is no source"));
        }
        (start > end || end > chars)
            .then(|| format!("the citation {start}..{end} is outside of the summary"))
    })
}

fn retrieved(event: &Recorded) -> Option<&Source> {
    match &event.body {
        EventBody::SourceRetrieved(data) => Some(&data.source),
        EventBody::JobCreated(_)
        | EventBody::JobStarted(_)
        | EventBody::JobAttemptFailed(_)
        | EventBody::JobRequeued(_)
        | EventBody::JobCancelRequested(_)
        | EventBody::JobSucceeded(_)
        | EventBody::JobFailed(_)
        | EventBody::JobTimedOut(_)
        | EventBody::JobExpired(_)
        | EventBody::JobCancelled(_)
        | EventBody::StepStarted(_)
        | EventBody::StepProgress(_)
        | EventBody::StepCompleted(_)
        | EventBody::StepFailed(_)
        | EventBody::StepSkipped(_)
        | EventBody::ToolCallStarted(_)
        | EventBody::ToolCallCompleted(_)
        | EventBody::ToolCallFailed(_)
        | EventBody::OutputDelta(_)
        | EventBody::OutputReset(_) => None,
    }
}

/// The same place of the same document under the same name. A result may show another excerpt of
/// the passage than the event did.
fn is_the_same(retrieved: &Source, shown: &Source) -> bool {
    (&retrieved.id, retrieved.document_id, retrieved.page, &retrieved.content_sha256)
        == (&shown.id, shown.document_id, shown.page, &shown.content_sha256)
}
