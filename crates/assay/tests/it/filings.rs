//! Real filings, from ingestion to cited answers, through the binary.
//!
//! `ASSAY_TEST_FILINGS` names a folder with `pages.jsonl.gz` (a page a line: `doc`, `company`,
//! `page` from 0, `text`) and `questions.jsonl` (a question a line: `id`, `company`, `question`,
//! `evidence` as `[document, page from 0]`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use contracts::Job;
use flate2::read::GzDecoder;
use serde::Deserialize;

/// A question may take this long, the start of the process included.
const QUESTION_TIME_MAX: Duration = Duration::from_secs(2);
/// Two filings of different length and kind.
const FILINGS: [&str; 2] = ["MICROSOFT_2016_10K", "JOHNSON_JOHNSON_2023_8K_dated-2023-08-30"];
/// Questions about them, by the end of their ids, each with words that its answer must have.
const QUESTIONS: [(&str, &str); 3] =
    [("04700", "32,780"), ("01488", "Consumer Health"), ("01490", "$20 billion")];

#[derive(Deserialize)]
struct Page {
    doc: String,
    company: String,
    page: u32,
    text: String,
}

#[derive(Deserialize)]
struct Question {
    id: String,
    company: String,
    question: String,
    evidence: Vec<(String, u32)>,
}

#[test]
fn real_filings_answer_real_questions_from_their_own_pages() {
    let Some(folder) = std::env::var_os("ASSAY_TEST_FILINGS").map(PathBuf::from) else {
        testkit::skip("set ASSAY_TEST_FILINGS to a folder of filings");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let pages = pages(&folder);
    ingest(dir.path(), &pages);
    for (id, words) in QUESTIONS {
        let question = question(&folder, id);
        let began = Instant::now();
        let job = ask(dir.path(), &question);
        let took = began.elapsed();
        assert!(took <= QUESTION_TIME_MAX, "{id} took {took:?}");

        let result = job.result.unwrap_or_else(|| panic!("{id}: {:?}", job.error));
        assert!(result.summary.contains(words), "{id}: {}", result.summary);
        let cites = |(doc, page): &(String, u32)| {
            result.sources.iter().any(|s| s.title == *doc && s.page == Some(page + 1))
        };
        assert!(question.evidence.iter().any(cites), "{id}: {:#?}", result.sources);
        for source in &result.sources {
            let page = &pages[&(source.title.clone(), source.page.unwrap() - 1)];
            let on_page = letters(&page.text).contains(&letters(&source.excerpt));
            assert!(on_page, "{id}: not on its page: {source:#?}");
        }
    }
}

fn pages(folder: &Path) -> BTreeMap<(String, u32), Page> {
    let file = File::open(folder.join("pages.jsonl.gz")).unwrap();
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    let pages = lines.map(|line| serde_json::from_str::<Page>(&line.unwrap()).unwrap());
    let wanted = pages.filter(|page| FILINGS.contains(&page.doc.as_str()));
    wanted.map(|page| ((page.doc.clone(), page.page), page)).collect()
}

fn question(folder: &Path, id: &str) -> Question {
    let text = std::fs::read_to_string(folder.join("questions.jsonl")).unwrap();
    let mut questions = text.lines().map(|line| serde_json::from_str::<Question>(line).unwrap());
    questions.find(|question| question.id.ends_with(id)).unwrap()
}

/// Writes each filing as text, its pages parted by form feeds, and has the binary take it in.
fn ingest(dir: &Path, pages: &BTreeMap<(String, u32), Page>) {
    for filing in FILINGS {
        let of_filing: Vec<&Page> = pages.values().filter(|page| page.doc == filing).collect();
        let texts: Vec<&str> = of_filing.iter().map(|page| page.text.as_str()).collect();
        let path = dir.join(format!("{filing}.txt"));
        std::fs::write(&path, texts.join("\u{c}")).unwrap();
        let output = assay(dir)
            .args(["ingest", "--company", &of_filing[0].company])
            .arg(&path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn ask(dir: &Path, question: &Question) -> Job {
    let call = ["ask", "--json", "--company", &question.company, &question.question];
    let output = assay(dir).args(call).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn assay(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.env("ASSAY_DATA_DIR", dir.join("data")).env_remove("ASSAY_MODEL");
    command
}

/// Letters and digits alone: cleaning moves white space, and binds signs to their figures.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}
