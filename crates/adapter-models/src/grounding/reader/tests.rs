use contracts::DocumentId;
use proptest::prelude::*;

use super::*;

fn passages() -> Vec<RetrievedPassage> {
    let texts = [
        "(Millions)  2018  2017\nNet sales  $32,765  $31,657\nPurchases of PP&E  (1,577)  (1,373)",
        "3M employed 93,516 people at the end of 2018. It has plants in 29 states.",
        "\n \n",
    ];
    let passage = |text: &str| RetrievedPassage {
        document_id: DocumentId::new(),
        title: "Annual report".to_owned(),
        company: "3M".to_owned(),
        url: None,
        content_sha256: "0".repeat(64),
        page: Some(1),
        heading: "Financial statements".to_owned(),
        table_head: String::new(),
        text: text.to_owned(),
        score: 1.0,
    };
    texts.map(passage).to_vec()
}

/// Reads a text in pieces of so many characters; checks that what was shown is the text.
fn read(raw: &str, piece: usize) -> Result<Written, FormFault> {
    let passages = passages();
    let mut reader = AnswerReader::new(passages.len());
    let mut shown = String::new();
    let chars: Vec<char> = raw.chars().collect();
    for piece in chars.chunks(piece) {
        shown.push_str(reader.push(&piece.iter().collect::<String>())?);
    }
    let (rest, written) = reader.finish(&passages)?;
    shown.push_str(&rest);
    assert_eq!(shown, written.text);
    Ok(written)
}

fn parts(written: &Written) -> Vec<(String, usize)> {
    let chars: Vec<char> = written.text.chars().collect();
    let part = |c: &PassageCitation| (chars[c.start..c.end].iter().collect(), c.passage);
    let mut parts: Vec<(String, usize)> = written.citations.iter().map(part).collect();
    parts.dedup();
    parts
}

#[test]
fn marks_become_citations_of_what_stands_before_them() {
    for (raw, text, expected) in [
        (
            "Net sales were $32,765 million in 2018 [1].",
            "Net sales were $32,765 million in 2018.",
            vec![("Net sales were $32,765 million in 2018", 0)],
        ),
        (
            "Sales rose. [1] Staff grew [2][1].",
            "Sales rose. Staff grew.",
            vec![("Sales rose.", 0), ("Staff grew", 1), ("Staff grew", 0)],
        ),
        (
            " \n$32,765 million[1], up from “$31,657” million [1, 2].\n",
            "$32,765 million, up from “$31,657” million.",
            vec![
                ("$32,765 million", 0),
                ("up from “$31,657” million", 0),
                ("up from “$31,657” million", 1),
            ],
        ),
        (
            "In 2018:\n- sales [1-2]\n- “staff” [2]",
            "In 2018:\n- sales\n- “staff”",
            vec![("In 2018:\n- sales", 0), ("In 2018:\n- sales", 1), ("“staff”", 1)],
        ),
        (
            "It is [sic] so [see] it [1]",
            "It is [sic] so [see] it",
            vec![("It is [sic] so [see] it", 0)],
        ),
    ] {
        for piece in [1, 3, 1_000] {
            let written = read(raw, piece).expect(raw);
            assert_eq!(written.text, text, "{raw:?}");
            let expected: Vec<(String, usize)> =
                expected.iter().map(|(part, passage)| ((*part).to_owned(), *passage)).collect();
            assert_eq!(parts(&written), expected, "{raw:?}");
        }
    }
}

#[test]
fn an_answer_that_breaks_the_form_says_how() {
    for (raw, expected) in [
        ("", FormFault::Empty),
        (" \n\u{0}", FormFault::Empty),
        ("[1]", FormFault::NothingCited),
        ("[1] Net sales rose.", FormFault::NothingCited),
        ("Net sales rose.", FormFault::Uncited),
        ("Net sales rose [1]. So did staff.", FormFault::Uncited),
        ("IN", FormFault::Uncited),
        ("Net sales rose [1", FormFault::Uncited),
        ("Sales rose [4].", FormFault::NoSuchPassage { number: "4".to_owned(), passages: 3 }),
        ("Sales rose [0].", FormFault::NoSuchPassage { number: "0".to_owned(), passages: 3 }),
        ("Sales rose [1-99].", FormFault::NoSuchPassage { number: "99".to_owned(), passages: 3 }),
    ] {
        for piece in [1, 1_000] {
            assert_eq!(read(raw, piece), Err(expected.clone()), "{raw:?}");
        }
    }
    let endless = "x".repeat(ANSWER_BYTES_MAX + 1);
    assert_eq!(read(&endless, 1_000), Err(FormFault::TooLong));
    let cited = "x [1] ".repeat(CITATIONS_MAX + 1);
    assert_eq!(read(&cited, 1_000), Err(FormFault::TooManyCitations));
}

#[test]
fn what_the_passages_do_not_hold_is_an_empty_answer_of_which_nothing_was_shown() {
    for raw in ["INSUFFICIENT EVIDENCE", " **Insufficient evidence**: no passage says so [9].\n"] {
        for piece in [1, 4, 1_000] {
            let written = read(raw, piece).expect(raw);
            assert_eq!(written, Written { text: String::new(), citations: Vec::new() });
        }
    }
}

#[test]
fn a_statement_is_carried_by_the_rows_and_sentences_with_its_figures() {
    let written =
        read("Net sales were $32,765 million and capital spending $1,577 million [1]. It had 93,516 people [2]. And more [3].", 5)
            .expect("an answer");
    let quotes: Vec<&str> = written.citations.iter().map(|c| c.quote.as_str()).collect();
    assert_eq!(
        quotes,
        [
            "Net sales  $32,765  $31,657",
            "Purchases of PP&E  (1,577)  (1,373)",
            "3M employed 93,516 people at the end of 2018.",
            "Financial statements",
        ]
    );
}

proptest! {
    #[test]
    fn an_answer_is_the_same_however_it_is_cut_and_every_word_of_it_is_cited(
        raw in "([a-zé]{1,4}|[ \n.,$“”—]|\\[|\\]|\\[[1-3]\\]|\\[[0-5, -]{0,5}\\]|[0-9]{1,3}){0,40}",
        piece in 1_usize..9,
    ) {
        let whole = read(&raw, usize::MAX);
        prop_assert_eq!(&read(&raw, piece), &whole);
        let Ok(written) = whole else { return Ok(()) };
        let passages = passages();
        let chars: Vec<char> = written.text.chars().collect();
        for citation in &written.citations {
            prop_assert!(citation.start < citation.end && citation.end <= chars.len());
            let passage = &passages[citation.passage];
            prop_assert!(!citation.quote.trim().is_empty() && passage.says(&citation.quote));
        }
        for (at, c) in chars.iter().enumerate() {
            let cited = written.citations.iter().any(|part| (part.start..part.end).contains(&at));
            prop_assert!(cited || !c.is_alphanumeric(), "{:?} at {} of {:?}", c, at, written.text);
        }
    }
}
