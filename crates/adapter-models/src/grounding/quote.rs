//! The words of a passage that carry a statement.

use std::collections::{BTreeMap, BTreeSet};

use engine::analysis::lexical::Words;
use engine::ports::RetrievedPassage;

use crate::extractive::unit;

/// Quotes for one statement from one passage, at the most.
const QUOTES_MAX: usize = 3;
/// What a figure in common counts, in words in common: it is what a statement is checked for.
const FIGURE_WEIGHT: usize = 4;
/// Bytes of a quote for a statement that shares no word with its passage.
const FALLBACK_CHARS: usize = 300;

/// The sentences and rows of passages, read once for all statements.
pub(super) struct Quotes<'a> {
    passages: &'a [RetrievedPassage],
    units: BTreeMap<usize, Vec<(&'a str, BTreeSet<String>)>>,
}

impl<'a> Quotes<'a> {
    pub(super) const fn of(passages: &'a [RetrievedPassage]) -> Self {
        Self { passages, units: BTreeMap::new() }
    }

    /// The sentences, rows and headings of the passage that share the most with the statement:
    /// the best one, and others that have figures or words of it that no better one has. Each
    /// stands in the passage verbatim. None only if the passage has no text at all.
    pub(super) fn carrying(&mut self, statement: &str, passage: usize) -> Vec<String> {
        let Some(source) = self.passages.get(passage) else { return Vec::new() };
        let units = self.units.entry(passage).or_insert_with(|| units(source));
        let mut open = words(statement);
        let mut chosen: Vec<&str> = Vec::new();
        while chosen.len() < QUOTES_MAX {
            let scored =
                units.iter().map(|(text, words)| (weight(words.intersection(&open)), text));
            // The first of the best: a passage tells the most important first.
            let best =
                scored.rev().max_by_key(|(weight, _)| *weight).filter(|(weight, _)| *weight > 0);
            let Some((weight, text)) = best else { break };
            // A further one must add a figure: every sentence shares some word.
            if !chosen.is_empty() && weight < FIGURE_WEIGHT {
                break;
            }
            chosen.push(text);
            let held = words(text);
            open.retain(|word| !held.contains(word));
        }
        if chosen.is_empty() {
            chosen.extend(fallback(source));
        }
        chosen.into_iter().map(str::to_owned).collect()
    }
}

fn units(passage: &RetrievedPassage) -> Vec<(&str, BTreeSet<String>)> {
    let own = unit::units(0, &passage.text).into_iter().map(|unit| &passage.text[unit.place]);
    let above = passage.above();
    let texts = own.chain(above).filter(|text| !text.trim().is_empty());
    texts.map(|text| (text, words(text))).collect()
}

/// The first line that says anything.
fn fallback(passage: &RetrievedPassage) -> Option<&str> {
    let lines = passage.text.lines().map(str::trim);
    let line = lines.chain(passage.above()).find(|line| !line.trim().is_empty())?;
    Some(contracts::truncate_chars(line, FALLBACK_CHARS))
}

fn words(text: &str) -> BTreeSet<String> {
    Words::of(text).iter().map(str::to_owned).collect()
}

fn weight<'a>(words: impl Iterator<Item = &'a String>) -> usize {
    let is_figure = |word: &String| word.bytes().any(|byte| byte.is_ascii_digit());
    words.map(|word| if is_figure(word) { FIGURE_WEIGHT } else { 1 }).sum()
}
