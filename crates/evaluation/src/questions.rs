//! Questions with known evidence.

use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use crate::measure::Place;

/// The file of a folder of filings that holds questions: one a line, as JSON.
pub const FILE: &str = "questions.jsonl";

/// Questions of our own about filings of the same corpus. Nothing is tuned on them.
const HELD_OUT: &str = include_str!("../questions/held_out.jsonl");

/// A question, and the pages that hold its answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Question {
    /// Names it.
    pub id: String,
    /// The company that it is about.
    pub company: String,
    /// Its words.
    pub question: String,
    /// The filing that it is about.
    pub doc: String,
    /// Each a filing, and a page of it counted from 0.
    evidence: Vec<(String, u32)>,
}

impl Question {
    /// The places that hold its answer, their pages counted from 1.
    #[must_use]
    pub fn evidence(&self) -> Vec<Place> {
        let place = |(doc, page): &(String, u32)| Place { doc: doc.clone(), page: page + 1 };
        self.evidence.iter().map(place).collect()
    }
}

/// Reads [`FILE`] in a folder.
///
/// # Errors
/// If it is absent or no such file, and where.
pub fn read(folder: &Path) -> anyhow::Result<Vec<Question>> {
    let path = folder.join(FILE);
    let name = path.display().to_string();
    let text = std::fs::read_to_string(&path).with_context(|| format!("{name} cannot be read"))?;
    parse(&text).context(name)
}

/// The questions of our own.
///
/// # Errors
/// If the file that is compiled in is no such file.
pub fn held_out() -> anyhow::Result<Vec<Question>> {
    parse(HELD_OUT).context("the held-out questions")
}

fn parse(text: &str) -> anyhow::Result<Vec<Question>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let question = |(index, line): (usize, &str)| {
        let question: Question = serde_json::from_str(line)
            .with_context(|| format!("line {} is no question", index + 1))?;
        anyhow::ensure!(!question.evidence.is_empty(), "line {} has no evidence", index + 1);
        Ok(question)
    };
    let questions: Vec<Question> = lines.map(question).collect::<anyhow::Result<_>>()?;
    anyhow::ensure!(!questions.is_empty(), "there is no question in it");
    Ok(questions)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{held_out, parse};

    #[test]
    fn pages_count_from_one_once_they_are_read() {
        let line = r#"{"id": "1", "company": "A", "question": "?", "doc": "a",
            "evidence": [["a", 59]], "answer": "5"}"#;
        let question = parse(&line.replace('\n', "")).unwrap().remove(0);
        let places = question.evidence();
        assert_eq!((places[0].doc.as_str(), places[0].page), ("a", 60));
    }

    #[test]
    fn a_question_without_evidence_is_refused_with_its_line() {
        let line = r#"{"id": "1", "company": "A", "question": "?", "doc": "a", "evidence": []}"#;
        let error = format!("{:#}", parse(&format!("\n{line}")).unwrap_err());
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn every_held_out_question_has_a_name_of_its_own() {
        let questions = held_out().unwrap();
        let ids: BTreeSet<_> = questions.iter().map(|question| &question.id).collect();
        assert_eq!(ids.len(), questions.len());
    }
}
