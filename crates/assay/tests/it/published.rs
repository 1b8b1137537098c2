//! Filings as they were published, PDF files, from ingestion to cited answers, through the binary.
//!
//! `ASSAY_TEST_FILINGS` names a folder with `pdfs/`, six filings.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use contracts::Job;
use engine::ports::MediaType;

/// All six may take this long.
const INGESTION_TIME_MAX: Duration = Duration::from_secs(60);
/// A question may take this long, the start of the process included.
const QUESTION_TIME_MAX: Duration = Duration::from_secs(2);
/// The filings and their companies.
const FILINGS: [(&str, &str); 6] = [
    ("3M_2018_10K", "3M"),
    ("BESTBUY_2024Q2_10Q", "Best Buy"),
    ("JOHNSON_JOHNSON_2023_8K_dated-2023-08-30", "Johnson & Johnson"),
    ("MICROSOFT_2023_10K", "Microsoft"),
    ("PEPSICO_2023_8K_dated-2023-05-05", "PepsiCo"),
    ("ULTABEAUTY_2023Q4_EARNINGS", "Ulta Beauty"),
];
const QUESTION: &str = "What is the FY2018 capital expenditure amount (in USD millions) for 3M?";
/// Of the cash flow statement of 3M_2018_10K.
const STATEMENT_PAGE: u32 = 60;

#[test]
fn published_filings_are_ingested_in_a_minute_and_answer_from_the_statement_itself() {
    let Some(folder) = std::env::var_os("ASSAY_TEST_FILINGS") else {
        testkit::skip("set ASSAY_TEST_FILINGS to a folder of filings");
        return;
    };
    let pdfs = PathBuf::from(folder).join("pdfs");
    let dir = tempfile::tempdir().unwrap();
    let began = Instant::now();
    ingest(dir.path(), &pdfs);
    let took = began.elapsed();
    assert!(took <= INGESTION_TIME_MAX, "the ingestion took {took:?}");

    // The first question after an ingestion finds an index that has to be brought up to it.
    ask(dir.path(), "What were net sales?");
    let began = Instant::now();
    let job = ask(dir.path(), QUESTION);
    let took = began.elapsed();
    assert!(took <= QUESTION_TIME_MAX, "the question took {took:?}");
    let result = job.result.unwrap_or_else(|| panic!("{:?}", job.error));
    assert!(result.summary.contains("1,577"), "{}", result.summary);
    let statement = result
        .sources
        .iter()
        .any(|source| source.title == FILINGS[0].0 && source.page == Some(STATEMENT_PAGE));
    assert!(statement, "{:#?}", result.sources);
    for source in &result.sources {
        let page = page(&pdfs, &source.title, source.page.unwrap());
        for line in source.excerpt.lines() {
            assert!(letters(&page).contains(&letters(line)), "{line:?} is not on {page}");
        }
    }
}

fn ingest(dir: &Path, pdfs: &Path) {
    let mut manifest = String::new();
    for (filing, company) in FILINGS {
        let path = pdfs.join(format!("{filing}.pdf"));
        let line = serde_json::json!({"path": path, "company": company});
        writeln!(manifest, "{line}").unwrap();
    }
    let file = dir.join("filings.jsonl");
    std::fs::write(&file, manifest).unwrap();
    let output = assay(dir).arg("ingest").arg("--manifest").arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn ask(dir: &Path, question: &str) -> Job {
    let output = assay(dir).args(["ask", "--json", "--company", "3M", question]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a page of a filing says: the text of all its passages.
fn page(pdfs: &Path, filing: &str, number: u32) -> String {
    let bytes = std::fs::read(pdfs.join(format!("{filing}.pdf"))).unwrap();
    let read = adapter_retrieval::read(&bytes, MediaType::Pdf).unwrap();
    let passages = read.passages.into_iter().filter(|passage| passage.page == Some(number));
    passages.map(|passage| passage.text).collect::<Vec<_>>().join("\n")
}

fn assay(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.env("ASSAY_DATA_DIR", dir.join("data")).env_remove("ASSAY_MODEL");
    command
}

/// Letters and digits alone: an excerpt may begin within a line.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}
