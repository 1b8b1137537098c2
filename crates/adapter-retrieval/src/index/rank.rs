//! Ranks passages by more than the words they share with a question. Pure.
//!
//! A passage's score is its words' score, relative to the best one's, plus a weighted sum of
//! signals between 0 and 1: is it about a company that the question names; is the document about
//! the year and the quarter that are asked for, and of the type; does the passage name that year;
//! does it stand in the statement that prints the answer; does that statement print the figures
//! here; has it rows for the figures; does it speak of the terms. A statement that prints a figure
//! is the primary evidence of it: what repeats the figure elsewhere comes after.
//!
//! The weights are round numbers that a coarse search over questions about annual reports found
//! good; small changes of them change little. docs/evaluation.md tells on which questions, and what
//! the signals bring on others.

use std::collections::HashMap;

use engine::analysis::Plan;
use engine::analysis::plan::{DocumentType, Term};
use engine::ports::{HEADING_SEPARATOR, RetrievedPassage};

use super::profile::{Profile, year};
use super::schema::Candidate;
use super::tokens::stems;

const WEIGHT_COMPANY: f64 = 1.0;
const WEIGHT_DOCUMENT_YEAR: f64 = 0.6;
const WEIGHT_DOCUMENT_QUARTER: f64 = 0.3;
const WEIGHT_DOCUMENT_TYPE: f64 = 0.2;
const WEIGHT_YEAR: f64 = 0.15;
const WEIGHT_STATEMENT: f64 = 0.3;
const WEIGHT_PRINTED: f64 = 0.4;
const WEIGHT_FIGURES: f64 = 0.35;
const WEIGHT_TERMS: f64 = 0.2;

/// A document about another of the years that are asked for, relative to one about the newest.
const OTHER_YEAR: f64 = 0.5;
/// A document about the year after, which repeats the year's figures for comparison.
const YEAR_AFTER: f64 = 0.3;
/// Prose under a statement's title, relative to its rows.
const STATEMENT_PROSE: f64 = 0.2;
/// A statement of a part of the company, or a supplement, which stands in a note.
const STATEMENT_NOTE: f64 = 0.2;
/// A figure named in prose, relative to a row of it.
const FIGURE_PROSE: f64 = 0.3;
/// The share of rows from which a passage is a table.
const TABLE_SHARE: f64 = 0.4;
/// Words of a row at the most; a longer line is prose that holds a figure.
const ROW_WORDS_MAX: usize = 24;
/// Words that may stand in a row's label before and after the figure's name.
const LABEL_SLACK: usize = 3;
/// Passages of one page at the most: evidence is often spread over pages.
const PASSAGES_A_PAGE: usize = 3;

/// The best passages, best first; equal ones in the order of document and place.
pub(super) fn rank(
    mut candidates: Vec<Candidate>,
    plan: &Plan,
    limit: usize,
) -> Vec<RetrievedPassage> {
    let wanted = Wanted::of(plan);
    let scores = candidates.iter().map(|candidate| candidate.passage.score);
    let best = scores.fold(f64::MIN_POSITIVE, f64::max);
    for candidate in &mut candidates {
        let score = candidate.passage.score / best + wanted.signals(candidate);
        // The order in which an index adds numbers up must not decide between equals.
        candidate.passage.score = (score * 1e5).round() / 1e5;
    }
    candidates.sort_by(|a, b| {
        let place = |candidate: &Candidate| (candidate.passage.document_id, candidate.ordinal);
        b.passage.score.total_cmp(&a.passage.score).then_with(|| place(a).cmp(&place(b)))
    });
    let mut of_page = HashMap::new();
    candidates.retain(|Candidate { passage, .. }| {
        let Some(page) = passage.page else { return true };
        let count = of_page.entry((passage.document_id, page)).or_insert(0);
        *count += 1;
        *count <= PASSAGES_A_PAGE
    });
    candidates.into_iter().take(limit).map(|candidate| candidate.passage).collect()
}

/// A plan, ready to be compared with passages.
struct Wanted {
    /// Newest first.
    years: Vec<u16>,
    quarters: Vec<u8>,
    document_types: Vec<DocumentType>,
    /// Titles, squeezed.
    statements: Vec<String>,
    figures: Vec<Vec<Phrase>>,
    terms: Vec<Vec<Phrase>>,
}

/// Stems in order.
type Phrase = Vec<String>;

impl Wanted {
    fn of(plan: &Plan) -> Self {
        let titles = plan.statements.iter().flat_map(|statement| &statement.phrases);
        Self {
            years: plan.fiscal_years.clone(),
            quarters: plan.fiscal_quarters.clone(),
            document_types: plan.document_types.clone(),
            statements: titles.map(|title| squeezed(title)).collect(),
            figures: plan.figures.iter().map(phrases).collect(),
            terms: plan.terms.iter().map(phrases).collect(),
        }
    }

    /// The weighted sum of a passage's signals.
    fn signals(&self, candidate: &Candidate) -> f64 {
        let page = Read::of(&candidate.passage);
        WEIGHT_COMPANY * one_if(candidate.is_named)
            + WEIGHT_DOCUMENT_YEAR * self.document_year(&candidate.profile.years)
            + WEIGHT_DOCUMENT_QUARTER * one_if(self.is_of_quarter(&candidate.profile))
            + WEIGHT_DOCUMENT_TYPE * one_if(self.is_of_type(&candidate.profile))
            + WEIGHT_YEAR * share(&self.years, |wanted| page.names_year(*wanted))
            + WEIGHT_STATEMENT * self.statement(&page)
            + WEIGHT_PRINTED * self.statement(&page) * share(&self.figures, |one| page.row(one))
            + WEIGHT_FIGURES * share(&self.figures, |phrases| page.figure(phrases))
            + WEIGHT_TERMS * share(&self.terms, |phrases| page.term(phrases))
    }

    fn document_year(&self, years: &[u16]) -> f64 {
        match self.years.first() {
            Some(newest) if years.contains(newest) => 1.0,
            Some(_) if self.years.iter().any(|year| years.contains(year)) => OTHER_YEAR,
            Some(newest) if years.contains(&(newest + 1)) => YEAR_AFTER,
            Some(_) | None => 0.0,
        }
    }

    fn is_of_quarter(&self, profile: &Profile) -> bool {
        profile.quarter.is_some_and(|quarter| self.quarters.contains(&quarter))
            && self.document_year(&profile.years) > YEAR_AFTER
    }

    fn is_of_type(&self, profile: &Profile) -> bool {
        profile.document_type.is_some_and(|kind| self.document_types.contains(&kind))
    }

    fn statement(&self, page: &Read) -> f64 {
        if !self.statements.iter().any(|title| page.heading.contains(title)) {
            return 0.0;
        }
        if page.is_in_note {
            return STATEMENT_NOTE;
        }
        let rows = page.rows().count() as f64;
        if rows >= TABLE_SHARE * page.lines.len() as f64 { 1.0 } else { STATEMENT_PROSE }
    }
}

/// A passage's words.
struct Read {
    /// Squeezed.
    heading: String,
    /// Whether it stands in a note to the statements.
    is_in_note: bool,
    lines: Vec<Phrase>,
    /// Headings and text.
    all: Phrase,
}

impl Read {
    fn of(passage: &RetrievedPassage) -> Self {
        let heading = stems(&passage.heading);
        let lines: Vec<Phrase> = passage.text.lines().map(stems).collect();
        let all = heading.into_iter().chain(lines.iter().flatten().cloned()).collect();
        let mut headings = passage.heading.split(HEADING_SEPARATOR).map(stems);
        let is_note = |heading: Phrase| heading.first().is_some_and(|word| word == "note");
        let is_in_note = headings.any(is_note);
        Self { heading: squeezed(&passage.heading), is_in_note, lines, all }
    }

    /// Lines that may be rows of a table: short, with a figure.
    fn rows(&self) -> impl Iterator<Item = &Phrase> {
        self.lines.iter().filter(|line| {
            line.len() <= ROW_WORDS_MAX
                && line.iter().any(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        })
    }

    fn names_year(&self, wanted: u16) -> f64 {
        let named = self.all.iter().any(|word| year(word) == Some(wanted));
        one_if(named)
    }

    fn row(&self, phrases: &[Phrase]) -> f64 {
        let is_label = |row: &Phrase, phrase: &Phrase| {
            contains(&row[..row.len().min(phrase.len() + LABEL_SLACK)], phrase)
        };
        one_if(self.rows().any(|row| phrases.iter().any(|phrase| is_label(row, phrase))))
    }

    fn figure(&self, phrases: &[Phrase]) -> f64 {
        if self.row(phrases) > 0.0 { 1.0 } else { FIGURE_PROSE * self.term(phrases) }
    }

    fn term(&self, phrases: &[Phrase]) -> f64 {
        let named = phrases.iter().any(|phrase| contains(&self.all, phrase));
        one_if(named)
    }
}

fn one_if(condition: bool) -> f64 {
    f64::from(u8::from(condition))
}

fn phrases(term: &Term) -> Vec<Phrase> {
    term.phrases.iter().map(|phrase| stems(phrase)).filter(|stems| !stems.is_empty()).collect()
}

/// The letters of a title alone. Text taken from a PDF often has spaces inside its words.
fn squeezed(title: &str) -> String {
    title.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect()
}

/// The mean of a signal; 0 if there is nothing to look for.
fn share<T>(wanted: &[T], signal: impl Fn(&T) -> f64) -> f64 {
    wanted.iter().map(signal).sum::<f64>() / wanted.len().max(1) as f64
}

fn contains(words: &[String], phrase: &[String]) -> bool {
    words.windows(phrase.len()).any(|window| window == phrase)
}

#[cfg(test)]
mod tests {
    use contracts::DocumentId;
    use engine::analysis::plan::{DocumentType, plan};
    use engine::ports::RetrievedPassage;

    use super::{Candidate, PASSAGES_A_PAGE, Profile, rank};

    fn candidate(text: &str, years: &[u16], ordinal: u64) -> Candidate {
        let passage = RetrievedPassage {
            document_id: DocumentId::from_uuid(uuid::Uuid::nil()),
            title: String::new(),
            company: "Acme".to_owned(),
            url: None,
            content_sha256: String::new(),
            page: u32::try_from(ordinal / 100).ok(),
            heading: String::new(),
            table_head: String::new(),
            text: text.to_owned(),
            score: 1.0,
        };
        let profile = Profile { years: years.to_vec(), ..Profile::default() };
        Candidate { passage, ordinal, profile, is_named: false }
    }

    fn best(question: &str, candidates: Vec<Candidate>) -> String {
        rank(candidates, &plan("Acme", question), 1).remove(0).text
    }

    #[test]
    fn a_row_of_the_figure_wins_over_prose_about_it() {
        let row = "Purchases of property, plant and equipment   (1,577)   (1,373)";
        let prose = "We expect capital expenditures to remain at the level of the year before.";
        let candidates = vec![candidate(prose, &[2018], 100), candidate(row, &[2018], 200)];
        assert_eq!(best("What is the FY2018 capital expenditure?", candidates), row);
    }

    #[test]
    fn a_statement_is_known_by_its_title_though_spaces_stand_inside_its_words() {
        let mut inside = candidate("Inventories   (509)   (387)", &[2018], 200);
        inside.passage.heading = "Consolidated Statement of Cash Flow s › (Millions)".to_owned();
        let row = inside.passage.text.clone();
        let candidates = vec![candidate("Inventories   4,366   4,034", &[2018], 100), inside];
        assert_eq!(best("Inventories in the cash flow statement of 2018?", candidates), row);
    }

    #[test]
    fn the_statement_that_prints_a_figure_wins_over_a_table_that_repeats_it() {
        let row = "Purchases of property, plant and equipment   (1,577)   (1,373)";
        let under = |heading: &str, ordinal| {
            let mut candidate = candidate(row, &[2018], ordinal);
            candidate.passage.heading = heading.to_owned();
            candidate
        };
        let statement = "Item 8 › Consolidated Statement of Cash Flows";
        for other in
            ["Item 7 › Investing", "Item 8 › NOTE 25 › Parent Company Statement of Cash Flows"]
        {
            let candidates = vec![under(other, 100), under(statement, 200)];
            let plan = plan("Acme", "What is the FY2018 capital expenditure?");
            assert_eq!(rank(candidates, &plan, 1)[0].heading, statement, "not {other}");
        }
    }

    #[test]
    fn a_document_of_the_quarter_and_type_wins_over_one_of_the_year() {
        let of = |quarter, document_type, ordinal| {
            let mut candidate = candidate(&format!("Net sales {ordinal}"), &[2023], ordinal);
            candidate.profile.quarter = quarter;
            candidate.profile.document_type = document_type;
            candidate
        };
        let candidates = || {
            vec![
                of(None, Some(DocumentType::AnnualReport), 100),
                of(Some(1), Some(DocumentType::QuarterlyReport), 200),
                of(Some(2), Some(DocumentType::QuarterlyReport), 300),
            ]
        };
        assert_eq!(best("What were net sales in Q2 of FY2023?", candidates()), "Net sales 300");
        assert_eq!(best("What were net sales in the 2023 10-K?", candidates()), "Net sales 100");
    }

    #[test]
    fn a_document_of_the_year_wins_over_one_of_another_year() {
        let of = |year: u16, ordinal| candidate(&format!("Net sales of {year}"), &[year], ordinal);
        let candidates = || vec![of(2017, 100), of(2018, 200), of(2019, 300)];
        assert_eq!(best("What were net sales in 2018?", candidates()), "Net sales of 2018");
        assert_eq!(best("What were net sales in 2017?", candidates()), "Net sales of 2017");
    }

    #[test]
    fn equals_are_in_the_order_of_their_place_and_no_page_takes_all() {
        let candidates = (0..8).rev().map(|ordinal| candidate("Net sales", &[], ordinal)).collect();
        let ranked = rank(candidates, &plan("Acme", "net sales"), 8);
        assert_eq!(ranked.len(), PASSAGES_A_PAGE);
    }
}
