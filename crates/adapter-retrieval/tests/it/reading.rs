//! Any bytes become passages that lose nothing, or a clear error, in bounded time.

use std::time::{Duration, Instant};

use adapter_retrieval::read;
use contracts::limits::DOCUMENT_PAGES_MAX;
use engine::ports::{MediaType, Passage, ReadError};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

/// The characters that are to be seen, page by page.
fn seen(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Lines as filings have them.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("".to_owned()),
        Just("Consolidated Statement of Cash Flows".to_owned()),
        Just("Years ended December 31".to_owned()),
        Just("NOTE 5. Goodwill".to_owned()),
        "[A-Z][a-z]{3,12}( [a-z]{2,9}){0,4} {2,9}\\$ {0,4}[0-9]{1,3},[0-9]{3} {2,6}\\([0-9]{1,3} ?\\)",
        "[A-Z][a-z]{3,12}( [a-z]{2,9}){5,40}\\.",
        "[A-Za-z0-9 ,.]{0,4000}",
        "[a-zé—€0-9 ]{0,60}",
    ]
}

fn pages() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec(line(), 0..60), 1..6)
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn the_passages_of_a_page_are_the_page(pages in pages()) {
        let pages: Vec<String> = pages.iter().map(|lines| lines.join("\n")).collect();
        let text = pages.join("\u{c}");
        let Ok(read) = read(text.as_bytes(), MediaType::Text) else {
            assert_eq!(seen(&text), "");
            return Ok(());
        };
        for (number, page) in (1_u32..).zip(&pages) {
            let passages = read.passages.iter().filter(|passage| passage.page == Some(number));
            let all: String = passages.clone().map(|passage| seen(&passage.text)).collect();
            assert_eq!(all, seen(page));
            assert!(passages.clone().all(|passage| passage.text.chars().count() <= 1_800));
        }
    }

    #[test]
    fn a_table_row_is_never_cut(rows in prop::collection::vec("[a-z]{1,30}  {1,5}[0-9]{1,9}  {1,5}[0-9]{1,9}", 1..200)) {
        let read = read(rows.join("\n").as_bytes(), MediaType::Text).unwrap();
        let lines: Vec<&str> = read.passages.iter().flat_map(|passage| passage.text.lines()).collect();
        assert_eq!(lines.len(), rows.len());
        for (line, row) in lines.iter().zip(&rows) {
            let columns: Vec<&str> = row.split_whitespace().collect();
            assert_eq!(*line, columns.join("   "));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = read(&bytes, MediaType::Text);
        let _ = read(&bytes, MediaType::Markdown);
    }
}

#[test]
fn a_table_that_is_cut_keeps_its_title_and_its_years() {
    let rows: String = (0..80)
        .map(|n| format!("Item number {n} of the table      {n},577    ({n},373)\n"))
        .collect();
    let page = format!(
        "Acme and Subsidiaries\nConsolidated Statement of Cash Flows\nYears ended December 31\n\n\
         (Millions)        2018       2017\nCash Flows from Operating Activities\n\
         Adjustments to reconcile net income including noncontrolling interest to net cash\n\
         provided by operating activities\n{rows}"
    );
    let read = read(page.as_bytes(), MediaType::Text).unwrap();
    assert!(read.passages.len() > 2);
    for Passage { heading, table_head, .. } in &read.passages {
        assert!(heading.contains("Consolidated Statement of Cash Flows"), "{heading}");
        assert!(table_head.contains("(Millions)   2018   2017"), "{table_head}");
    }
}

#[test]
fn a_label_that_goes_on_below_does_not_end_its_table_and_a_paragraph_does() {
    let rows: String = (0..40)
        .map(|n| format!("Item number {n} of the table      {n},577    ({n},373)\n"))
        .collect();
    let label = "Adjustments to reconcile net income including noncontrolling interest to net cash";
    let paragraph = format!("{label} are made for\n{label} in all periods that are shown here.");
    for (between, keeps) in [(format!("{label}\nprovided by operations"), true), (paragraph, false)]
    {
        let page = format!("(Millions)        2018       2017\n{rows}{between}\n{rows}");
        let read = read(page.as_bytes(), MediaType::Text).unwrap();
        let last = read.passages.last().unwrap();
        assert_eq!(!last.table_head.is_empty(), keeps, "{last:?}");
    }
}

#[test]
fn form_feeds_part_the_pages_of_a_text() {
    let text = "First page.\u{c}\u{c}Third page.\u{c}";
    let read = read(text.as_bytes(), MediaType::Text).unwrap();
    let places: Vec<_> = read.passages.iter().map(|p| (p.page, p.text.as_str())).collect();
    assert_eq!(read.pages, Some(3));
    assert_eq!(places, [(Some(1), "First page."), (Some(3), "Third page.")]);
}

#[test]
fn markdown_has_headings_and_no_pages() {
    let text = format!("# Acme\n\n## Cash\n\n{}\n\n## Debt\n\nNone.\n", "Cash rose. ".repeat(60));
    let read = read(text.as_bytes(), MediaType::Markdown).unwrap();
    let headings: Vec<&str> = read.passages.iter().map(|p| p.heading.as_str()).collect();
    assert_eq!((read.pages, headings), (None, vec!["Acme › Cash", "Acme › Debt"]));
}

#[test]
fn what_is_no_text_is_refused() {
    assert!(matches!(
        read(b"\x7fELF\x02\x01\0\0", MediaType::Text),
        Err(ReadError::Malformed { .. })
    ));
    assert_eq!(read(b" \n\x0c\n\t", MediaType::Text), Err(ReadError::NoText));
    assert_eq!(read(b"", MediaType::Markdown), Err(ReadError::NoText));
    let pages = DOCUMENT_PAGES_MAX + 1;
    let many = format!("{}a", "a\u{c}".repeat(DOCUMENT_PAGES_MAX));
    let refused = Err(ReadError::TooManyPages { pages, max: DOCUMENT_PAGES_MAX });
    assert_eq!(read(many.as_bytes(), MediaType::Text), refused);
}

#[test]
fn hostile_input_is_read_or_refused_in_bounded_time() {
    let begun = Instant::now();
    for hostile in [
        "a".repeat(10_000_000),
        " ".repeat(10_000_000),
        "\u{c}".repeat(1_000_000),
        "a \n".repeat(1_000_000),
        "ITEM 1\n".repeat(1_000_000),
        "5   ".repeat(1_000_000),
        "e\u{301}".repeat(1_000_000),
        "# \n".repeat(1_000_000),
    ] {
        for media_type in [MediaType::Text, MediaType::Markdown] {
            if let Ok(read) = read(hostile.as_bytes(), media_type) {
                assert!(read.passages.len() <= 1 + hostile.len() / 150);
                let heaviest = read.passages.iter().map(|passage| passage.heading.len()).max();
                assert!(heaviest < Some(4_000));
            }
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}
