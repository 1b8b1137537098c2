//! Step 1: what is asked.
//!
//! The question is read with a glossary of the words that questions and filings use for the same
//! figure, and with the places where filings print it.

mod company;
mod document_type;
mod glossary;
mod periods;
mod wording;

use serde::{Deserialize, Serialize};

pub use company::names_company;
use company::own_name_taken;
pub use document_type::DocumentType;
use glossary::{CONCEPTS, Concept, Statement};
pub use periods::fiscal_quarters;
use wording::{Clause, clauses, words};

/// What a question asks for, in the terms of documents.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// What to search for, most important first.
    pub queries: Vec<SubQuery>,
    /// The fiscal years that the question names, newest first.
    pub fiscal_years: Vec<u16>,
    /// The fiscal quarters that the question names, from 1 to 4.
    #[serde(default)]
    pub fiscal_quarters: Vec<u8>,
    /// The types of documents that the question names.
    #[serde(default)]
    pub document_types: Vec<DocumentType>,
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

/// How much the words of the question count.
const WEIGHT_QUESTION: f32 = 1.0;
/// How much the filings' words for what is asked count.
const WEIGHT_FIGURE: f32 = 0.6;
/// How much the title of a statement counts.
const WEIGHT_STATEMENT: f32 = 0.5;
/// Terms, figures and searches at the most: a question of thousands of words names no more.
const TERMS_MAX: usize = 24;

/// Reads a question. Pure, and the same for the same words.
#[must_use]
pub fn plan(company_name: &str, question: &str) -> Plan {
    let clauses = clauses(question);
    let own_name = words(&company_name.replace('&', " and "));
    let mut reading = Reading::default();
    for clause in &clauses {
        reading.read(clause, &own_name);
    }
    if reading.terms.is_empty() && reading.concepts.is_empty() {
        // Nothing but framing: then the framing is the question.
        for clause in &clauses {
            reading.read(&Clause { framing: false, ..clause.clone() }, &own_name);
        }
    }
    Plan {
        queries: reading.queries(question),
        fiscal_years: periods::fiscal_years(question),
        fiscal_quarters: fiscal_quarters(question),
        document_types: DocumentType::mentioned(question),
        statements: reading.statements(),
        figures: reading.figures().map(Concept::term).collect(),
        terms: reading.terms.into_iter().take(TERMS_MAX).collect(),
    }
}

/// What is known of the question so far.
#[derive(Default)]
struct Reading {
    terms: Vec<Term>,
    /// Concepts that are named, or that named ones are computed from.
    concepts: Vec<&'static Concept>,
    named_statements: Vec<Statement>,
    plain_words: Vec<String>,
}

impl Reading {
    fn read(&mut self, clause: &Clause, own_name: &[String]) {
        let words = &clause.words;
        let mut taken = vec![false; words.len()];
        for statement in Statement::ALL {
            if mark(words, statement.names(), &mut taken)
                && !self.named_statements.contains(&statement)
            {
                self.named_statements.push(statement);
            }
        }
        if clause.framing {
            return;
        }
        own_name_taken(words, own_name, &mut taken);
        for concept in CONCEPTS {
            let Some(own) = first_name(words, concept, &mut taken) else { continue };
            self.add_term(concept.term_named(&own));
            self.add_figure(concept);
        }
        for (word, _) in words.iter().zip(&taken).filter(|(_, taken)| !**taken) {
            if wording::carries_meaning(word) && !self.plain_words.contains(word) {
                self.plain_words.push(word.clone());
                self.add_term(Term { phrases: vec![word.clone()] });
            }
        }
    }

    fn add_term(&mut self, term: Term) {
        if !self.terms.iter().any(|known| known.phrases[0] == term.phrases[0]) {
            self.terms.push(term);
        }
    }

    fn add_figure(&mut self, concept: &'static Concept) {
        let parts = concept.parts.iter().filter_map(|part| Concept::named(part));
        let is_ratio = !concept.parts.is_empty();
        let own = (!is_ratio || !concept.phrases.is_empty()).then_some(concept);
        for figure in own.into_iter().chain(parts) {
            if !self.concepts.iter().any(|known| known.names[0] == figure.names[0]) {
                self.concepts.push(figure);
            }
        }
    }

    /// The concepts that rows of tables print.
    fn figures(&self) -> impl Iterator<Item = &'static Concept> {
        self.concepts.iter().copied().filter(|concept| concept.is_figure).take(TERMS_MAX)
    }

    /// The statements that the question names; else those that print the figures.
    fn statements(&self) -> Vec<Term> {
        let mut statements = self.named_statements.clone();
        if statements.is_empty() {
            for figure in &self.concepts {
                statements.extend(figure.statement.filter(|one| !statements.contains(one)));
            }
        }
        statements.iter().map(|statement| statement.term()).collect()
    }

    fn queries(&self, question: &str) -> Vec<SubQuery> {
        let own =
            self.terms.iter().map(|term| term.phrases[0].as_str()).collect::<Vec<_>>().join(" ");
        let own = if own.is_empty() { question.to_owned() } else { own };
        let mut queries = vec![SubQuery { text: own, weight: WEIGHT_QUESTION }];
        for figure in &self.concepts {
            let text = figure.term().phrases.join(" ");
            queries.push(SubQuery { text, weight: WEIGHT_FIGURE });
        }
        for statement in self.statements() {
            queries.push(SubQuery { text: statement.phrases[0].clone(), weight: WEIGHT_STATEMENT });
        }
        queries.truncate(TERMS_MAX);
        queries
    }
}

/// Marks every place where one of `names` stands; whether there was one.
fn mark(words: &[String], names: &[&str], taken: &mut [bool]) -> bool {
    let mut found = false;
    for name in names {
        let name: Vec<&str> = name.split(' ').collect();
        for begin in 0..(words.len() + 1).saturating_sub(name.len()) {
            let place = begin..begin + name.len();
            if words[place.clone()].iter().map(String::as_str).eq(name.iter().copied())
                && !taken[place.clone()].iter().any(|taken| *taken)
            {
                taken[place].fill(true);
                found = true;
            }
        }
    }
    found
}

/// The name by which the question speaks of a concept, if it does.
fn first_name(words: &[String], concept: &Concept, taken: &mut [bool]) -> Option<String> {
    let mut own = None;
    for name in concept.names {
        if mark(words, &[name], taken) {
            own.get_or_insert((*name).to_owned());
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{Plan, plan};

    fn has_phrase(terms: &[super::Term], phrase: &str) -> bool {
        terms.iter().any(|term| term.phrases.iter().any(|known| known == phrase))
    }

    fn own_words(plan: &Plan) -> Vec<&str> {
        plan.terms.iter().map(|term| term.phrases[0].as_str()).collect()
    }

    #[test]
    fn a_figure_is_searched_by_the_words_that_filings_use() {
        let question = "What is the FY2018 capital expenditure amount (in USD millions) for 3M? \
                        Give a response by relying on the details shown in the cash flow statement.";
        let plan = plan("3M", question);
        assert_eq!(plan.fiscal_years, [2018]);
        assert_eq!(own_words(&plan), ["capital expenditure"]);
        assert!(has_phrase(&plan.terms, "purchases of property, plant and equipment"));
        assert!(has_phrase(&plan.statements, "statement of cash flows"));
        assert_eq!(plan.statements.len(), 1);
    }

    #[test]
    fn a_ratio_is_searched_by_the_figures_it_is_computed_from() {
        let plan = plan("Acme Corp", "What is Acme's quick ratio for fiscal 2022?");
        assert_eq!(own_words(&plan), ["quick ratio"]);
        assert!(has_phrase(&plan.figures, "total current liabilities"));
        assert!(has_phrase(&plan.statements, "balance sheet"));
    }

    #[test]
    fn the_companys_own_name_is_no_term() {
        for (company, question) in [
            ("Best Buy Co., Inc.", "How many stores has Best Buy?"),
            ("PepsiCo", "How many stores has Pepsico's group?"),
            ("Johnson & Johnson", "How many stores has Johnson & Johnson, or JnJ?"),
            ("American Express", "How many stores has AMEX of American Express?"),
        ] {
            let plan = plan(company, question);
            let own_words = own_words(&plan);
            let beyond = own_words.iter().filter(|word| !matches!(**word, "stores" | "group"));
            assert_eq!(beyond.count(), 0, "{question}: {own_words:?}");
        }
    }

    #[test]
    fn a_question_of_framing_alone_is_still_searched() {
        assert!(!plan("3M", "Please answer.").queries.is_empty());
        assert!(!plan("3M", "?!").queries.is_empty());
    }

    proptest! {
        #[test]
        fn any_words_make_a_bounded_plan(company in any::<String>(), question in any::<String>()) {
            let plan = plan(&company, &question);
            assert!(!plan.queries.is_empty() && plan.queries.len() <= super::TERMS_MAX);
            assert!(plan.terms.len() <= super::TERMS_MAX);
            assert!(plan.terms.iter().all(|term| !term.phrases.is_empty()));
            assert!(plan.fiscal_years.is_sorted_by(|newer, older| newer > older));
        }
    }
}
