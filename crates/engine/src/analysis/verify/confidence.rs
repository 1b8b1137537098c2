//! How far an answer can be relied on.
//!
//! The method `lexical-support-v1` is a weighted mean of signals, each 0 to 1, times
//! [`CERTAINTY_MAX`], rounded to two decimals. A signal that does not apply is left out together
//! with its weight.
//!
//! | weight | signal | value | left out |
//! |---|---|---|---|
//! | 0.35 | quoted | share of the plan's terms and figures that the quoted words hold | without terms |
//! | 0.25 | covered | share of them that the cited passages and their headings hold | without terms |
//! | 0.25 | period | share of the fiscal years asked about that stand in a cited passage or heading | if no year is asked about |
//! | 0.15 | margin | (best cited score − best uncited score) / best cited score, at least 0 | if every passage is cited, or a score is not positive |
//!
//! The weights are set by hand: the words of the answer itself count most, the retriever's own
//! scores least. The value orders answers; it is not a calibrated probability.

use std::collections::BTreeSet;

use contracts::result::Confidence;

use super::support::Support;
use super::{Answer, numbers};

/// The method's name. It changes when the formula does.
pub(super) const METHOD: &str = "lexical-support-v1";

/// No lexical comparison makes an answer certain: the words can be right and the sense wrong.
const CERTAINTY_MAX: f64 = 0.95;

/// The confidence if no signal applies at all.
const UNINFORMED: f64 = 0.5;

const QUOTED_WEIGHT: f64 = 0.35;
const COVERED_WEIGHT: f64 = 0.25;
const PERIOD_WEIGHT: f64 = 0.25;
const MARGIN_WEIGHT: f64 = 0.15;

/// The confidence in an answer whose citations resolve.
pub(super) fn confidence(
    answer: &Answer<'_>,
    cited: &BTreeSet<usize>,
    support: &Support,
) -> Confidence {
    let period = period(answer, cited);
    let margin = margin(answer, cited);
    let signals = [
        (QUOTED_WEIGHT, support.quote_coverage()),
        (COVERED_WEIGHT, support.passage_coverage()),
        (PERIOD_WEIGHT, period),
        (MARGIN_WEIGHT, margin),
    ];
    let applying = signals.iter().filter_map(|(weight, signal)| Some((weight, (*signal)?)));
    let (weights, sum) = applying.fold((0.0, 0.0), |(weights, sum), (weight, signal)| {
        (weights + weight, sum + weight * signal)
    });
    let mean = if weights > 0.0 { sum / weights } else { UNINFORMED };
    let value = (mean.clamp(0.0, 1.0) * CERTAINTY_MAX * 100.0).round() / 100.0;
    let basis = basis(answer, support, period, margin);
    Confidence { value, method: METHOD.to_owned(), basis }
}

/// The share of the fiscal years asked about that the cited passages name.
#[expect(clippy::cast_precision_loss, reason = "counts of years are small")]
fn period(answer: &Answer<'_>, cited: &BTreeSet<usize>) -> Option<f64> {
    let years = &answer.plan.fiscal_years;
    let passages = cited.iter().filter_map(|index| answer.passages.get(*index));
    let named: BTreeSet<String> = passages
        .flat_map(|passage| {
            numbers::numbers(&passage.text)
                .chain(passage.above().into_iter().flat_map(numbers::numbers))
        })
        .collect();
    let agreeing = years.iter().filter(|year| named.contains(&year.to_string())).count();
    (!years.is_empty()).then(|| agreeing as f64 / years.len() as f64)
}

/// How far the best cited passage stands out from the best one that is not cited.
fn margin(answer: &Answer<'_>, cited: &BTreeSet<usize>) -> Option<f64> {
    let best = |is_cited: bool| {
        let passages = answer.passages.iter().enumerate();
        let scores = passages.filter(|(index, _)| cited.contains(index) == is_cited);
        scores.map(|(_, passage)| passage.score).reduce(f64::max)
    };
    let (cited, uncited) = (best(true)?, best(false)?);
    let comparable = cited.is_finite() && uncited.is_finite() && cited > 0.0 && uncited > 0.0;
    comparable.then(|| ((cited - uncited) / cited).clamp(0.0, 1.0))
}

/// What the method saw, in words.
fn basis(
    answer: &Answer<'_>,
    support: &Support,
    period: Option<f64>,
    margin: Option<f64>,
) -> String {
    let mut seen = Vec::new();
    if support.terms() > 0 {
        let (found, terms) = (support.found(), support.terms());
        seen.push(format!("cited passages speak of {found} of {terms} terms of the question"));
    }
    let years: Vec<String> = answer.plan.fiscal_years.iter().map(u16::to_string).collect();
    let years = years.join(", ");
    match period {
        None => {}
        Some(share) if share >= 1.0 => seen.push(format!("they name {years}")),
        Some(share) if share > 0.0 => seen.push(format!("they name some of {years}")),
        Some(_) => seen.push(format!("they do not name {years}")),
    }
    if let Some(margin) = margin {
        let per_cent = (margin * 100.0).round();
        seen.push(format!("retrieval scores set them {per_cent} % apart from what is not cited"));
    }
    if seen.is_empty() {
        return "every citation resolves; nothing else could be compared".to_owned();
    }
    format!("every citation resolves; {}", seen.join("; "))
}
