//! What a question asks for.

use engine::analysis::lexical::{TermPattern, Words};
use engine::analysis::plan::Term;
use engine::ports::SynthesisRequest;

/// Words of questions that no answer needs to repeat.
const QUESTION_WORDS: [&str; 38] = [
    "amount",
    "answer",
    "approximately",
    "based",
    "between",
    "can",
    "company",
    "could",
    "each",
    "fiscal",
    "fy",
    "give",
    "have",
    "how",
    "if",
    "many",
    "me",
    "much",
    "please",
    "question",
    "respond",
    "response",
    "state",
    "tell",
    "there",
    "this",
    "total",
    "usd",
    "using",
    "value",
    "what",
    "when",
    "where",
    "which",
    "who",
    "why",
    "year",
    "you",
];

/// What asks for a figure.
const FIGURE_PHRASES: [&str; 16] = [
    "how much",
    "how many",
    "how large",
    "how big",
    "how high",
    "amount",
    "number of",
    "total",
    "per cent",
    "percent",
    "percentage",
    "ratio",
    "rate",
    "margin",
    "million",
    "billion",
];

/// What asks for words, even where a figure comes with it.
const WORD_PHRASES: [&str; 8] =
    ["why", "what drove", "who", "which", "where", "how does", "describe", "explain"];

/// A question, ready to compare units with.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// What an answer must speak of.
    pub(super) terms: Vec<TermPattern>,
    /// The fiscal years asked about, in digits.
    pub(super) years: Vec<String>,
    /// The financial statements that print it.
    pub(super) statements: Vec<TermPattern>,
    /// Whether a figure is asked for.
    pub(super) wants_figure: bool,
}

impl Question {
    /// Reads a request. A plan without terms leaves the question's own words.
    pub(super) fn of(request: &SynthesisRequest<'_>) -> Self {
        let company = Words::of(request.company_name);
        let mut terms = TermPattern::of_plan(request.plan);
        terms.retain(|term| !term.is_within(&company));
        let years = request.plan.fiscal_years.iter().map(u16::to_string).collect();
        if terms.is_empty() {
            terms = own_words(request.question, &company);
        }
        let statements = request.plan.statements.iter().filter_map(TermPattern::of).collect();
        Self { terms, years, statements, wants_figure: wants_figure(request.question) }
    }
}

/// Whether a question asks for a figure: in so many words, or as "what was …" about a year.
fn wants_figure(question: &str) -> bool {
    let spaced: String = question
        .chars()
        .map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' })
        .collect();
    let spaced = format!(" {} ", spaced.split_whitespace().collect::<Vec<_>>().join(" "));
    let says =
        |phrases: &[&str]| phrases.iter().any(|phrase| spaced.contains(&format!(" {phrase} ")));
    let what_was = [" what was ", " what were ", " what is ", " what are "]
        .iter()
        .any(|opening| spaced.contains(opening));
    let names_year = spaced.split(' ').any(super::line::is_year) || spaced.contains(" fy");
    if says(&WORD_PHRASES) {
        return says(&["how much", "how many"]);
    }
    says(&FIGURE_PHRASES) || (what_was && names_year)
}

/// Each word of the question that says what it is about, as a term.
fn own_words(question: &str, company: &Words) -> Vec<TermPattern> {
    let words = question.split(|c: char| c.is_whitespace() || "/()?!;:".contains(c));
    let mut terms: Vec<TermPattern> = Vec::new();
    for word in words {
        let lower = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let said = Words::of(&lower);
        let is_about = !QUESTION_WORDS.contains(&lower.as_str())
            && !company.contains(&said)
            && !names_year(&lower);
        let term = Term { phrases: vec![lower] };
        let pattern = TermPattern::of(&term).filter(|pattern| is_about && !terms.contains(pattern));
        terms.extend(pattern);
    }
    terms
}

fn names_year(word: &str) -> bool {
    super::line::is_year(&word.replace("fy", ""))
}
