//! Step 1: what is asked.

use serde::{Deserialize, Serialize};

/// What a question asks for, in the terms of documents.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// What to search for, most important first.
    pub queries: Vec<SubQuery>,
    /// The fiscal years that the question names, newest first.
    pub fiscal_years: Vec<u16>,
    /// What an answer must speak of: each term with the words that documents use for it.
    pub terms: Vec<Term>,
    /// The figures that the answer is computed from, where the question names a ratio or a change
    /// of them: each with the words that documents use for it.
    #[serde(default)]
    pub figures: Vec<Term>,
    /// The financial statements that hold the answer, as the question names them or as the figures
    /// imply: each with the titles that documents give it.
    #[serde(default)]
    pub statements: Vec<Term>,
}

/// One search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubQuery {
    /// Words.
    pub text: String,
    /// How much a match counts, relative to the other searches.
    pub weight: f32,
}

/// Something that an answer must speak of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// Phrases that mean it, the question's own first; each in lower case.
    pub phrases: Vec<String>,
}

/// Reads a question. Pure, and the same for the same words.
#[must_use]
pub fn plan(company_name: &str, question: &str) -> Plan {
    let _ = company_name;
    let queries = vec![SubQuery { text: question.to_owned(), weight: 1.0 }];
    Plan { queries, ..Plan::default() }
}
