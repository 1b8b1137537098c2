use contracts::job::Usage;
use contracts::result::Source;
use contracts::{AnalysisResult, DocumentId, SourceId, Timestamp};
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};

use super::{Answer, CITATIONS_MAX, Unverified, verify};
use crate::analysis::Plan;
use crate::analysis::plan::Term;
use crate::analysis::retrieve::EXCERPT_CHARS_MAX;
use crate::ports::{
    PassageCitation, RetrievedPassage, Synthesis, ToolArguments, ToolExchange, ToolOutcome,
};

const NET_SALES: &str = "Net sales were $32,765.50 million in 2018 – größer als zuvor.";

/// An answer with everything that verification looks at.
struct Case {
    plan: Plan,
    documents: usize,
    passages: Vec<RetrievedPassage>,
    tool_calls: Vec<ToolExchange>,
    synthesis: Synthesis,
}

impl Case {
    /// Passages with these texts, each scored below the one before, and an answer.
    fn of(texts: &[&str], text: &str, citations: Vec<PassageCitation>) -> Self {
        let scored = texts.iter().zip((1..).map(|rank| 1.0 / f64::from(rank)));
        let passages = scored.map(|(text, score)| passage(text, score)).collect();
        let synthesis =
            Synthesis { text: text.to_owned(), citations, usage: Usage::default(), model: None };
        Self { plan: Plan::default(), documents: 1, passages, tool_calls: Vec::new(), synthesis }
    }

    fn with_terms(mut self, terms: &[&str]) -> Self {
        let term = |phrase: &&str| Term { phrases: vec![(*phrase).to_owned()] };
        self.plan.terms = terms.iter().map(term).collect();
        self
    }

    fn verified(&self) -> Result<AnalysisResult, Unverified> {
        let ranked = self.passages.iter().enumerate();
        let sources: Vec<Source> =
            ranked.map(|(index, passage)| source(index + 1, passage)).collect();
        verify(&Answer {
            company_name: "3M",
            question: "What were 3M's net sales in FY2017?",
            plan: &self.plan,
            documents: self.documents,
            passages: &self.passages,
            sources: &sources,
            tool_calls: &self.tool_calls,
            synthesis: &self.synthesis,
            model: "tested",
        })
    }

    fn refusal(&self) -> Unverified {
        self.verified().expect_err("a refusal")
    }

    fn is_invalid(&self) -> bool {
        matches!(self.verified(), Err(Unverified::Invalid(_)))
    }
}

fn passage(text: &str, score: f64) -> RetrievedPassage {
    RetrievedPassage {
        document_id: DocumentId::new(),
        title: "Annual report".to_owned(),
        company: "3M".to_owned(),
        url: None,
        content_sha256: "0".repeat(64),
        page: Some(1),
        heading: "Results › Year 2018".to_owned(),
        table_head: String::new(),
        text: text.to_owned(),
        score,
    }
}

fn source(rank: usize, passage: &RetrievedPassage) -> Source {
    Source {
        id: SourceId::ranked(rank),
        document_id: passage.document_id,
        title: passage.title.clone(),
        company: passage.company.clone(),
        url: None,
        page: passage.page,
        excerpt: passage.text.chars().take(EXCERPT_CHARS_MAX).collect(),
        retrieved_at: Timestamp::from_millis(0),
        content_sha256: passage.content_sha256.clone(),
        score: passage.score,
    }
}

fn cite(start: usize, end: usize, passage: usize, quote: &str) -> PassageCitation {
    PassageCitation { start, end, passage, quote: quote.to_owned() }
}

#[test]
fn a_number_that_a_tool_computed_is_sourced_and_one_that_it_was_told_is_not() {
    let exchange = |outcome| ToolExchange {
        call_id: "call-1".to_owned(),
        asked: ToolArguments {
            tool: "calculator".to_owned(),
            arguments: serde_json::json!({"expression": "1577 / 32765 + 99"}),
        },
        outcome,
    };
    let answered = |text: &str| exchange(ToolOutcome::Answered(text.to_owned()));
    for (text, outcome, is_sourced) in [
        ("Net sales grew by 4.8.", answered("4.8130"), false),
        ("Net sales grew by 4.8.", answered("4.8"), true),
        ("Net sales were 99.", answered("99"), false),
        ("Net sales were 7.", exchange(ToolOutcome::Failed("7".to_owned())), false),
    ] {
        let mut case = Case::of(&[NET_SALES], text, vec![cite(0, 9, 0, "Net sales")]);
        case.tool_calls.push(outcome);
        assert_eq!(!case.is_invalid(), is_sourced, "{text}");
    }
}

#[test]
fn offsets_count_characters_and_not_bytes() {
    let characters = NET_SALES.chars().count();
    assert!(NET_SALES.len() > characters);
    let whole = Case::of(&[NET_SALES], NET_SALES, vec![cite(0, characters, 0, "größer")]);
    whole.verified().expect("the whole text");
    let beyond = Case::of(&[NET_SALES], NET_SALES, vec![cite(0, characters + 1, 0, "größer")]);
    assert!(beyond.is_invalid());
}

#[test]
fn a_citation_that_does_not_resolve_is_refused() {
    for citation in [
        cite(3, 3, 0, "Net"),
        cite(4, 3, 0, "Net"),
        cite(0, 3, 1, "Net"),
        cite(0, 3, 0, "net sales"),
        cite(0, 3, 0, ""),
        cite(0, 3, 0, " "),
    ] {
        let case = Case::of(&[NET_SALES], "Net sales rose.", vec![citation.clone()]);
        assert!(case.is_invalid(), "{citation:?}");
    }
    assert!(Case::of(&[NET_SALES], "Net sales rose.", Vec::new()).is_invalid(), "none at all");
    let too_many = vec![cite(0, 3, 0, "Net"); CITATIONS_MAX + 1];
    assert!(Case::of(&[NET_SALES], "Net sales rose.", too_many).is_invalid());
}

#[test]
fn a_number_needs_a_cited_passage_unless_the_question_names_it() {
    let other = "Net sales were $99 million.";
    for (text, holds) in [
        ("Sales of 32765.5 in 2018", true),
        ("3M: $32,765.50 million, after FY2017", true),
        ("Sales of 32,766", false),
        ("Sales of $99 million", false),
    ] {
        let case = Case::of(&[NET_SALES, other], text, vec![cite(0, 5, 0, "Net sales")]);
        assert_eq!(case.verified().is_ok(), holds, "{text}");
    }
    let both = vec![cite(0, 5, 0, "Net sales"), cite(0, 5, 1, "Net sales")];
    Case::of(&[NET_SALES, other], "Sales of $99 million", both).verified().expect("both cited");
}

#[test]
fn too_little_evidence_is_told_apart_and_explained() {
    let mut nothing = Case::of(&[], "", Vec::new()).with_terms(&["goodwill", "net sales"]);
    nothing.documents = 0;
    let no_document = "there is no document about 3M to answer from".to_owned();
    assert_eq!(nothing.refusal(), Unverified::InsufficientEvidence(no_document));

    let mut unanswered =
        Case::of(&[NET_SALES], " \n", Vec::new()).with_terms(&["goodwill", "net sales"]);
    unanswered.documents = 2;
    let not_found = "nothing was found in the 2 documents about 3M about “goodwill”".to_owned();
    assert_eq!(unanswered.refusal(), Unverified::InsufficientEvidence(not_found));

    let about_else = Case::of(&[NET_SALES], "Net sales rose.", vec![cite(0, 3, 0, "Net")])
        .with_terms(&["goodwill", "impairment"]);
    let off_topic =
        "the passages found about 3M do not speak of “goodwill” or “impairment”".to_owned();
    assert_eq!(about_else.refusal(), Unverified::InsufficientEvidence(off_topic));
}

#[test]
fn a_term_that_no_cited_source_speaks_of_is_a_gap_of_a_complete_result() {
    let case = Case::of(&[NET_SALES], "Net sales rose.", vec![cite(0, 3, 0, "Net")])
        .with_terms(&["net sales", "goodwill"]);
    let result = case.verified().expect("half of the terms");
    assert_eq!(result.completeness, contracts::result::Completeness::Complete);
    assert_eq!(result.gaps, ["no cited source speaks of “goodwill”"]);
}

#[test]
fn only_cited_sources_are_shown_under_the_ids_they_were_retrieved_with() {
    let texts = ["Alpha.", "Beta sales.", "Gamma sales."];
    let citations = vec![
        cite(6, 11, 2, "Gamma"),
        cite(0, 4, 1, "Beta"),
        cite(0, 4, 1, "sales"),
        cite(6, 11, 2, "Gamma"),
    ];
    let result = Case::of(&texts, "Beta, Gamma", citations).verified().expect("a result");
    let ids: Vec<String> = result.sources.iter().map(|source| source.id.to_string()).collect();
    assert_eq!(ids, ["s2", "s3"]);
    let shown = result.citations.iter().map(|cited| (cited.start, cited.source_id.to_string()));
    assert_eq!(shown.collect::<Vec<_>>(), [(0, "s2".to_owned()), (6, "s3".to_owned())]);
}

#[test]
fn confidence_grows_with_what_the_sources_support() {
    let of = |terms: &[&str], years: &[u16]| {
        let citations = vec![cite(0, 3, 0, "Net sales")];
        let mut case =
            Case::of(&[NET_SALES, "Other."], "Net sales rose.", citations).with_terms(terms);
        case.plan.fiscal_years = years.to_vec();
        case.verified().expect("a result").confidence
    };
    let best = of(&["net sales"], &[2018]);
    assert_eq!(best.method, "lexical-support-v1");
    // (0.35 + 0.25 + 0.25 + 0.15 × (1 − ½)) × 0.95
    assert_eq!(best.value, 0.88);
    let other_year = of(&["net sales"], &[2011]);
    let half_covered = of(&["net sales", "goodwill"], &[2018]);
    assert!(other_year.value < best.value && half_covered.value < best.value);
    assert!(other_year.basis.contains("do not name 2011"), "{}", other_year.basis);
}

fn texts() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["Größe ", "売上", "net ", "1,577", "\n", "😀", "sales. ", "7"]),
        1..40,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn an_accepted_answer_has_only_citations_that_resolve(
        texts in prop::collection::vec(texts(), 1..4),
        answer in texts(),
        citations in prop::collection::vec((0_usize..50, 0_usize..50, 0_usize..4, texts()), 0..4),
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let citations = citations.iter();
        let citations = citations.map(|(start, end, passage, quote)| {
            // Half of the quotes are words of their passage.
            let verbatim = texts.get(*passage).filter(|_| start % 2 == 0);
            let quote = verbatim.map_or(quote.clone(), |text| text.chars().take(5).collect());
            cite(*start, *end, *passage, &quote)
        });
        let case = Case::of(&texts, &answer, citations.collect());
        if let Ok(result) = case.verified() {
            let length = result.summary.chars().count();
            prop_assert!(!result.citations.is_empty());
            for citation in &result.citations {
                prop_assert!(citation.start < citation.end && citation.end <= length);
                prop_assert!(result.sources.iter().any(|one| one.id == citation.source_id));
            }
            for citation in &case.synthesis.citations {
                let passage = &case.passages[citation.passage];
                let quote = citation.quote.as_str();
                prop_assert!(passage.says(quote));
            }
            let confidence = result.confidence.value;
            prop_assert!((0.0..=0.95).contains(&confidence));
            prop_assert_eq!((confidence * 100.0).round() / 100.0, confidence);
        }
    }

    #[test]
    fn a_made_up_number_is_refused(number in 100_000_u64..1_000_000_000, grouped in any::<bool>()) {
        let made_up = if grouped {
            format!("{},{:03}", number / 1_000, number % 1_000)
        } else {
            number.to_string()
        };
        let text = format!("Net sales were {made_up}.");
        let case = Case::of(&[NET_SALES], &text, vec![cite(0, 9, 0, "Net sales")]);
        prop_assert!(case.is_invalid(), "{}", text);
    }

    #[test]
    fn an_excerpt_is_a_verbatim_window_that_holds_the_first_quote(
        before in 0_usize..3_000, after in 0_usize..3_000, quoted in 1_usize..1_500,
    ) {
        let filler = |length: usize| "größe 売上 ".chars().cycle().take(length).collect::<String>();
        let quote: String = "Zahl😀 ".chars().cycle().take(quoted).collect();
        let text = format!("{}{quote}{}", filler(before), filler(after));
        let case = Case::of(&[&text], "Sales.", vec![cite(0, 5, 0, &quote)]);
        let result = case.verified().expect("a result");
        let excerpt = &result.sources[0].excerpt;
        prop_assert!(text.contains(excerpt.as_str()));
        prop_assert!(excerpt.chars().count() <= EXCERPT_CHARS_MAX);
        let shown: String = quote.chars().take(EXCERPT_CHARS_MAX).collect();
        prop_assert!(excerpt.contains(&shown));
    }
}
