//! How well an answer's sources support it, and what to say when they do not.

use std::collections::BTreeSet;

use super::Answer;
use crate::analysis::lexical::{TermPattern, Words};
use crate::ports::RetrievedPassage;

/// Terms that a message names, at the most.
const NAMED_MAX: usize = 6;

/// Which of the question's terms the cited words and passages speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Support {
    terms: usize,
    quoted: usize,
    missing: Vec<String>,
}

impl Support {
    /// Looks for the plan's terms and figures in the cited passages and in the quotes from them.
    pub(super) fn of(answer: &Answer<'_>, cited: &BTreeSet<usize>) -> Self {
        let terms = TermPattern::of_plan(answer.plan);
        let passages: Vec<Words> =
            cited.iter().filter_map(|index| answer.passages.get(*index)).map(words).collect();
        let citations = &answer.synthesis.citations;
        let quotes: Vec<Words> =
            citations.iter().map(|citation| Words::of(&citation.quote)).collect();
        let occurs =
            |term: &TermPattern, texts: &[Words]| texts.iter().any(|words| term.occurs_in(words));
        let missing = terms.iter().filter(|term| !occurs(term, &passages));
        Self {
            terms: terms.len(),
            quoted: terms.iter().filter(|term| occurs(term, &quotes)).count(),
            missing: missing.map(|term| term.name().to_owned()).collect(),
        }
    }

    /// The question's terms.
    pub(super) fn terms(&self) -> usize {
        self.terms
    }

    /// The terms that the cited passages speak of.
    pub(super) fn found(&self) -> usize {
        self.terms - self.missing.len()
    }

    /// The share of the terms that the cited passages speak of; `None` if the plan has no terms.
    pub(super) fn passage_coverage(&self) -> Option<f64> {
        share(self.found(), self.terms)
    }

    /// The share of the terms that the quoted words themselves hold; `None` without terms.
    pub(super) fn quote_coverage(&self) -> Option<f64> {
        share(self.quoted, self.terms)
    }

    /// What the cited passages do not speak of, in words; `None` if there is nothing.
    pub(super) fn gap(&self) -> Option<String> {
        let missing = named(self.missing.iter().map(String::as_str));
        missing.map(|missing| format!("no cited source speaks of {missing}"))
    }
}

/// Why there is no answer, so that the client knows what would help.
pub(super) fn nothing_found(answer: &Answer<'_>) -> String {
    let company = answer.company_name;
    let documents = match answer.documents {
        0 => return format!("there is no document about {company} to answer from"),
        1 => format!("the one document about {company}"),
        n => format!("the {n} documents about {company}"),
    };
    let passages: Vec<Words> = answer.passages.iter().map(words).collect();
    let terms = TermPattern::of_plan(answer.plan);
    let missing = terms.iter().filter(|term| !passages.iter().any(|words| term.occurs_in(words)));
    match named(missing.map(TermPattern::name)) {
        Some(missing) => format!("nothing was found in {documents} about {missing}"),
        None => format!("no sentence or table row of {documents} answers the question"),
    }
}

/// Why what was cited is no answer.
pub(super) fn off_topic(answer: &Answer<'_>, support: &Support) -> String {
    let missing = named(support.missing.iter().map(String::as_str)).unwrap_or_default();
    let company = answer.company_name;
    format!("the passages found about {company} do not speak of {missing}")
}

/// What a passage says, with what it stands under.
fn words(passage: &RetrievedPassage) -> Words {
    let mut lines = passage.above();
    lines.push(&passage.text);
    Words::of(&lines.join("\n"))
}

/// A part of a whole, 0 to 1; `None` if there is no whole.
#[expect(clippy::cast_precision_loss, reason = "counts of terms are small")]
fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The first of the names, in quotation marks; `None` if there are none.
fn named<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut quoted: Vec<String> =
        names.take(NAMED_MAX + 1).map(|name| format!("“{name}”")).collect();
    if quoted.len() > NAMED_MAX {
        quoted.truncate(NAMED_MAX);
        quoted.push("more".to_owned());
    }
    let last = quoted.pop()?;
    Some(if quoted.is_empty() { last } else { format!("{} or {last}", quoted.join(", ")) })
}
