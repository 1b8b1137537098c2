use contracts::SourceId;
use contracts::result::{
    AnalysisResult, Citation, Completeness, Confidence, PartialResult, SimpleResult, Source,
};

use super::{at, document_id, sha256};

pub(super) fn complete() -> AnalysisResult {
    AnalysisResult {
        summary: "Net income was $5,363 million.".to_owned(),
        citations: vec![Citation { start: 0, end: 30, source_id: SourceId::ranked(1) }],
        sources: vec![source()],
        confidence: Confidence {
            value: 0.82,
            method: "verbatim-support-v1".to_owned(),
            basis: "one cited passage of three names the figure".to_owned(),
        },
        completeness: Completeness::Partial,
        gaps: vec!["no passage names the year before".to_owned()],
        model: "extractive".to_owned(),
    }
}

pub(super) fn partial() -> PartialResult {
    PartialResult {
        completed_steps: vec!["plan".to_owned(), "retrieve".to_owned()],
        sources: vec![source()],
        draft: Some("Net income was".to_owned()),
    }
}

pub(super) fn simple() -> SimpleResult {
    SimpleResult {
        summary: "Net income was $5,363 million.".to_owned(),
        sources: vec!["Annual report 2018, page 51".to_owned()],
        confidence: 0.82,
    }
}

pub(crate) fn source() -> Source {
    Source {
        id: SourceId::ranked(1),
        document_id: document_id(),
        title: "Annual report 2018".to_owned(),
        company: "3M".to_owned(),
        url: Some("https://example.com/2018.txt".to_owned()),
        page: Some(51),
        excerpt: "Net income attributable to 3M | $ 5,349".to_owned(),
        retrieved_at: at(2),
        content_sha256: sha256(),
        score: 11.5,
    }
}
