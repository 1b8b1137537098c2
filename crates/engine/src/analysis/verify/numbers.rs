//! Whether the numbers of an answer stand in its sources.

use std::collections::{BTreeSet, HashSet};

use super::{Answer, Unverified};
use crate::ports::{ToolExchange, ToolOutcome};

/// Refuses an answer with a number that stands in no cited passage and in no tool's answer. What
/// the question, the plan and the company's name say themselves needs no source.
pub(super) fn check(answer: &Answer<'_>, cited: &BTreeSet<usize>) -> Result<(), Unverified> {
    let mut known: HashSet<String> = HashSet::new();
    for passage in cited.iter().filter_map(|index| answer.passages.get(*index)) {
        known.extend(numbers(&passage.text));
        known.extend(passage.above().into_iter().flat_map(numbers));
    }
    known.extend(answer.tool_calls.iter().flat_map(computed));
    known.extend(numbers(answer.question));
    known.extend(numbers(answer.company_name));
    known.extend(answer.plan.fiscal_years.iter().map(u16::to_string));
    let terms = answer.plan.terms.iter().chain(&answer.plan.figures);
    let phrases = terms.flat_map(|term| &term.phrases);
    known.extend(phrases.flat_map(|phrase| numbers(phrase)));
    match numbers(&answer.synthesis.text).find(|number| !known.contains(number)) {
        None => Ok(()),
        Some(number) => Err(Unverified::Invalid(format!(
            "the answer says {number}, which none of its cited passages and no tool does"
        ))),
    }
}

/// The numbers that a tool's answer adds to what it was told: with an echo a model could source any
/// number that it made up.
fn computed(exchange: &ToolExchange) -> HashSet<String> {
    match &exchange.outcome {
        ToolOutcome::Answered(answer) => {
            let told: HashSet<String> = numbers(&exchange.asked.arguments.to_string()).collect();
            numbers(answer).filter(|number| !told.contains(number)).collect()
        }
        ToolOutcome::Failed(_) => HashSet::new(),
    }
}

/// The numbers of a text, each in its one normal form: thousands separators, leading zeros and
/// zeros at the end of decimals dropped, so that "1,577.50" and "1577.5" are one number. Signs,
/// currencies, scales and per cent signs are no part of it.
pub(super) fn numbers(text: &str) -> impl Iterator<Item = String> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let from = rest.find(|c: char| c.is_ascii_digit())?;
        let number = &rest[from..];
        let (normal, length) = leading_number(number);
        rest = &number[length..];
        Some(normal)
    })
}

/// Reads the number that a text begins with, and says how many bytes it takes.
fn leading_number(text: &str) -> (String, usize) {
    let mut at = digits(text);
    let mut whole = text[..at].to_owned();
    // A comma parts thousands only where three digits follow, and not four.
    while at <= 3 || text[..at].contains(',') {
        let Some(group) = text[at..].strip_prefix(',') else { break };
        if digits(group) != 3 {
            break;
        }
        whole.push_str(&group[..3]);
        at += 4;
    }
    let mut normal = match whole.trim_start_matches('0') {
        "" => "0".to_owned(),
        whole => whole.to_owned(),
    };
    if let Some(decimals) = text[at..].strip_prefix('.') {
        let length = digits(decimals);
        let significant = decimals[..length].trim_end_matches('0');
        if !significant.is_empty() {
            normal.push('.');
            normal.push_str(significant);
        }
        if length > 0 {
            at += 1 + length;
        }
    }
    (normal, at)
}

/// How many digits a text begins with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn spellings_of_one_number_are_one_number() {
        for (text, expected) in [
            ("$1,577 million", &["1577"][..]),
            ("(1,577)  (1,373)  —", &["1577", "1373"]),
            ("8.70 and 8.7", &["8.7", "8.7"]),
            ("1,234,567.00", &["1234567"]),
            ("in 2018,2017", &["2018", "2017"]),
            ("5,12 or 5,1234", &["5", "12", "5", "1234"]),
            ("FY2018, 10-K. 007", &["2018", "10", "7"]),
            ("0.05% 0", &["0.05", "0"]),
            ("none", &[]),
        ] {
            assert_eq!(numbers(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }
}
