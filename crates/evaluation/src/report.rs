//! An evaluation as people and programs read it.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::measure::CUTOFFS;
use crate::trial::{Ingestion, Outcome};

/// All that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How long the corpus took.
    pub ingestion: Ingestion,
    /// The folder's questions, as jobs ask them.
    pub retrieval: Vec<Outcome>,
    /// Our own questions that nothing was tuned on, as jobs ask them; empty without their filings.
    pub held_out: Vec<Outcome>,
    /// Both, with parts switched off.
    pub ablations: Vec<Ablation>,
}

/// Questions asked with a part of the planning and ranking switched off.
#[derive(Debug, Clone, PartialEq)]
pub struct Ablation {
    /// Which questions, and what is left.
    pub name: &'static str,
    /// What became of them.
    pub outcomes: Vec<Outcome>,
}

impl Report {
    /// The report as JSON. Shares are from 0 to 1, times in milliseconds or, where named so, in
    /// seconds.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let rows = |outcomes: &[Outcome]| outcomes.iter().map(row).collect::<Vec<_>>();
        let ablations = self.ablations.iter();
        let ablations: Map<String, Value> =
            ablations.map(|one| (one.name.to_owned(), rows(&one.outcomes).into())).collect();
        let Ingestion { documents, pages, storing, indexing } = self.ingestion;
        json!({
            "retrieval": rows(&self.retrieval),
            "held_out": rows(&self.held_out),
            "ablations": ablations,
            "ingestion": {
                "documents": documents,
                "pages": pages,
                "storing_s": rounded(storing.as_secs_f64()),
                "indexing_s": rounded(indexing.as_secs_f64()),
                "pages_per_second": rounded(self.ingestion.pages_per_second()),
            },
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        table(f, "retrieval", &self.retrieval)?;
        table(f, "held_out", &self.held_out)?;
        for ablation in &self.ablations {
            table(f, ablation.name, &ablation.outcomes)?;
        }
        let Ingestion { documents, pages, storing, indexing } = self.ingestion;
        writeln!(
            f,
            "ingestion: {documents} documents, {pages} pages, stored in {:.2} s and indexed in \
             {:.2} s: {:.0} pages a second",
            storing.as_secs_f64(),
            indexing.as_secs_f64(),
            self.ingestion.pages_per_second(),
        )
    }
}

fn table(f: &mut fmt::Formatter<'_>, name: &str, outcomes: &[Outcome]) -> fmt::Result {
    let Some(first) = outcomes.first() else { return Ok(()) };
    writeln!(f, "{name}: {} questions", first.score.questions)?;
    write!(f, "  {:<9}", "filter")?;
    for cutoff in CUTOFFS {
        write!(f, " {:>9}", format!("recall@{cutoff}"))?;
    }
    writeln!(f, " {:>6} {:>9} {:>8}", "mrr", "median ms", "p95 ms")?;
    for outcome in outcomes {
        write!(f, "  {:<9}", outcome.filter.name())?;
        for share in outcome.score.recall {
            write!(f, " {share:>9.3}")?;
        }
        let (median, p95) = (milliseconds(outcome.median), milliseconds(outcome.p95));
        writeln!(f, " {:>6.3} {median:>9.1} {p95:>8.1}", outcome.score.mrr)?;
    }
    writeln!(f)
}

fn row(outcome: &Outcome) -> Value {
    let mut row = Map::new();
    row.insert("filter".to_owned(), outcome.filter.name().into());
    row.insert("questions".to_owned(), outcome.score.questions.into());
    for (cutoff, share) in CUTOFFS.iter().zip(outcome.score.recall) {
        row.insert(format!("recall@{cutoff}"), rounded(share).into());
    }
    row.insert("mrr".to_owned(), rounded(outcome.score.mrr).into());
    row.insert("median_ms".to_owned(), rounded(milliseconds(outcome.median)).into());
    row.insert("p95_ms".to_owned(), rounded(milliseconds(outcome.p95)).into());
    row.into()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// More digits would say more than was measured.
fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Report;
    use crate::measure::Score;
    use crate::trial::{Filter, Ingestion, Outcome};

    fn report() -> Report {
        let ranks = vec![Some(1), Some(4), None, Some(2)];
        let outcome = Outcome {
            filter: Filter::Company,
            score: Score::of(&ranks),
            ranks,
            median: Duration::from_micros(4_250),
            p95: Duration::from_millis(9),
        };
        let (storing, indexing) = (Duration::from_secs(1), Duration::from_secs(3));
        let ingestion = Ingestion { documents: 2, pages: 1_000, storing, indexing };
        let retrieval = vec![outcome];
        Report { ingestion, retrieval, held_out: Vec::new(), ablations: Vec::new() }
    }

    #[test]
    fn the_json_has_a_row_a_filter_with_shares_from_0_to_1() {
        let json = report().to_json();
        let row = &json["retrieval"][0];
        assert_eq!(row["filter"], "company");
        assert_eq!((&row["recall@1"], &row["recall@20"]), (&0.25.into(), &0.75.into()));
        assert_eq!((&row["mrr"], &row["median_ms"]), (&0.4375.into(), &4.25.into()));
        assert_eq!(json["ingestion"]["pages_per_second"], 250.0);
    }

    #[test]
    fn the_table_has_a_line_a_filter() {
        let table = report().to_string();
        let line = table.lines().find(|line| line.trim_start().starts_with("company")).unwrap();
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(
            cells,
            ["company", "0.250", "0.500", "0.750", "0.750", "0.750", "0.438", "4.2", "9.0"]
        );
    }
}
