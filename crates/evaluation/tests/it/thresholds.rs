//! Plain BM25 over whole pages, as its authors measured it, is the least that is good enough.

use std::path::PathBuf;
use std::time::Duration;

use evaluation::corpus::Corpus;
use evaluation::questions::{self, Question};
use evaluation::trial::{Filter, Reading, Trial};

/// A filter, and what `recall@10` plain BM25 over whole pages reaches with it.
const RECALL_AT_10_MIN: [(Filter, f64); 3] =
    [(Filter::All, 0.24), (Filter::Company, 0.36), (Filter::Document, 0.53)];
/// Where 10 stands in [`evaluation::measure::CUTOFFS`].
const AT_10: usize = 3;
/// A question for a figure that names no place, and the page of the statement that prints it.
const FIGURE_QUESTION: &str = r#"{"id": "figure", "company": "3M", "doc": "3M_2018_10K",
    "question": "What is the FY2018 capital expenditure amount (in USD millions) for 3M?",
    "evidence": [["3M_2018_10K", 59]]}"#;
/// What half of the queries may take.
const MEDIAN_MAX: Duration = Duration::from_millis(50);
/// What is taken in and indexed at the least.
const PAGES_PER_SECOND_MIN: f64 = 500.0;

#[tokio::test]
async fn real_filings_are_searched_better_and_no_slower_than_is_promised() {
    let Some(folder) = std::env::var_os("ASSAY_TEST_FILINGS").map(PathBuf::from) else {
        testkit::skip("set ASSAY_TEST_FILINGS to a folder of filings");
        return;
    };
    let questions = questions::read(&folder).unwrap();
    let corpus = Corpus::read(&folder).unwrap();
    let trial = Trial::begin(&corpus).await.unwrap();
    for (filter, least) in RECALL_AT_10_MIN {
        let outcome = trial.ask(&questions, filter, Reading::Full).await.unwrap();
        let (name, recall) = (filter.name(), outcome.score.recall[AT_10]);
        assert!(recall >= least, "{name}: recall@10 is {recall}, not {least}");
        if !cfg!(debug_assertions) {
            assert!(outcome.median <= MEDIAN_MAX, "{name}: {:?}", outcome.median);
        }
    }
    let figure: Question = serde_json::from_str(FIGURE_QUESTION).unwrap();
    let outcome = trial.ask(&[figure], Filter::Company, Reading::Full).await.unwrap();
    assert!(outcome.ranks[0].is_some_and(|rank| rank <= 3), "{:?}", outcome.ranks);
    if !cfg!(debug_assertions) {
        let speed = trial.ingestion.pages_per_second();
        assert!(speed >= PAGES_PER_SECOND_MIN, "{speed} pages a second");
    }
}
