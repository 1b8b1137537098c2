//! Real filings, where there are some: evidence pages are among the sources.

use std::collections::BTreeMap;
use std::fs::{File, read_to_string};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::corpus::{Library, query};

/// Names the folder that holds `pages.jsonl.gz` and `questions.jsonl`.
const FILINGS: &str = "ASSAY_TEST_FILINGS";

#[tokio::test]
async fn evidence_pages_of_real_filings_are_among_the_sources() {
    let Some(folder) = std::env::var_os(FILINGS).map(PathBuf::from) else {
        skipped("evidence_pages_of_real_filings_are_among_the_sources");
        return;
    };
    // Of the questions about these filings, so many must find evidence among 8 passages.
    let filings = [("3M_2018_10K", 2), ("3M_2022_10K", 2), ("BESTBUY_2019_10K", 1)];
    let library = Library::new();
    for (title, (company, pages)) in filings_of(&folder, &filings.map(|(title, _)| title)) {
        library.corpus.add_text(&company, &title, &pages.join("\u{c}")).await;
    }
    let questions = read_to_string(folder.join("questions.jsonl")).unwrap();
    let questions: Vec<Value> =
        questions.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (title, expected) in filings {
        let mut found = 0;
        for question in questions.iter().filter(|question| question["doc"] == title) {
            found += usize::from(finds_evidence(&library, question).await);
        }
        assert!(found >= expected, "{title}: evidence for {found} questions, not {expected}");
    }
}

/// Whether a question finds one of its evidence pages.
async fn finds_evidence(library: &Library, question: &Value) -> bool {
    let text = |key: &str| question[key].as_str().unwrap();
    let retrieved = library.retrieve(&query(text("company"), text("question"))).await;
    let evidence = question["evidence"].as_array().unwrap();
    retrieved.passages.iter().any(|passage| {
        evidence.iter().any(|place| {
            let page = place[1].as_u64().unwrap() + 1;
            place[0] == passage.title.as_str() && passage.page.map(u64::from) == Some(page)
        })
    })
}

/// The company and the pages of each of these filings.
fn filings_of(folder: &Path, titles: &[&str]) -> BTreeMap<String, (String, Vec<String>)> {
    let pages = GzDecoder::new(File::open(folder.join("pages.jsonl.gz")).unwrap());
    let mut filings = BTreeMap::new();
    for line in BufReader::new(pages).lines() {
        let page: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let text = |key: &str| page[key].as_str().unwrap().to_owned();
        let title = text("doc");
        if titles.contains(&title.as_str()) {
            let new = || (text("company"), Vec::new());
            let (_, pages): &mut (String, Vec<String>) = filings.entry(title).or_insert_with(new);
            // Blank pages are left out of the file.
            let number = usize::try_from(page["page"].as_u64().unwrap()).unwrap();
            pages.resize(number, String::new());
            pages.push(text("text").replace('\u{c}', "\n"));
        }
    }
    filings
}

#[expect(clippy::print_stdout, reason = "a test that did not run says so")]
fn skipped(test: &str) {
    println!("SKIPPED {test}: set {FILINGS}");
}
