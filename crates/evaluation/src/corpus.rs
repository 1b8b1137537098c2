//! The filings that are searched.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context as _;
use contracts::limits::DOCUMENT_PAGES_MAX;
use flate2::read::GzDecoder;
use serde::Deserialize;

/// The file of a folder of filings that holds their pages: a page a line, gzipped JSON.
pub const FILE: &str = "pages.jsonl.gz";

/// Parts two pages of a plain text.
const FORM_FEED: &str = "\u{c}";

/// A filing as `assay ingest` would be given it: nothing else is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filing {
    /// Its name, which becomes its title.
    pub doc: String,
    /// The company that it is about.
    pub company: String,
    /// The text of its pages; an empty one for each that the file leaves out.
    pub pages: Vec<String>,
}

impl Filing {
    /// The filing as a text file: pages parted by form feeds.
    #[must_use]
    pub fn text(&self) -> String {
        self.pages.join(FORM_FEED)
    }
}

/// A line of the file. Its period and type are not read: `assay ingest` is not told them.
#[derive(Deserialize)]
struct Page {
    doc: String,
    company: String,
    /// Counted from 0.
    page: usize,
    text: String,
}

/// The filings of a corpus, in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corpus {
    /// The filings.
    pub filings: Vec<Filing>,
    /// How many pages the file has: those that are left out are not counted.
    pub pages: usize,
}

impl Corpus {
    /// Reads [`FILE`] in a folder.
    ///
    /// # Errors
    /// If it is absent or no such file, and where.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let name = path.display().to_string();
        let file = File::open(&path).with_context(|| format!("{name} cannot be read"))?;
        Self::parse(BufReader::new(GzDecoder::new(file))).context(name)
    }

    fn parse(lines: impl BufRead) -> anyhow::Result<Self> {
        let mut filings = BTreeMap::new();
        let mut count = 0;
        for (index, line) in lines.lines().enumerate() {
            let page: Page = serde_json::from_str(&line?)
                .with_context(|| format!("line {} is no page", index + 1))?;
            let (number, pages) = (page.page, DOCUMENT_PAGES_MAX);
            anyhow::ensure!(number < pages, "line {}: page {number} of {pages}", index + 1);
            let filing = filings.entry(page.doc).or_insert_with_key(|doc| Filing {
                doc: doc.clone(),
                company: page.company,
                pages: Vec::new(),
            });
            if filing.pages.len() <= number {
                filing.pages.resize(number + 1, String::new());
            }
            // A form feed inside a page would end it.
            filing.pages[number] = page.text.replace(FORM_FEED, "\n");
            count += 1;
        }
        anyhow::ensure!(count > 0, "there is no page in it");
        Ok(Self { filings: filings.into_values().collect(), pages: count })
    }
}

#[cfg(test)]
mod tests {
    use super::Corpus;

    #[test]
    fn a_page_stands_at_its_number_though_others_are_left_out() {
        let lines = r#"{"doc": "b", "company": "B", "page": 2, "text": "third", "type": "10k"}
{"doc": "a", "company": "A", "page": 0, "text": "one\ftwo"}"#;
        let corpus = Corpus::parse(lines.as_bytes()).unwrap();
        assert_eq!(corpus.pages, 2);
        let texts: Vec<_> = corpus.filings.iter().map(|filing| filing.text()).collect();
        assert_eq!(texts, ["one\ntwo", "\u{c}\u{c}third"]);
    }

    #[test]
    fn a_file_of_something_else_is_refused_with_its_line() {
        for (lines, place) in [
            ("", "no page"),
            ("{\"doc\": \"a\", \"company\": \"A\", \"page\": 0, \"text\": \"\"}\n[]", "line 2"),
            (r#"{"doc": "a", "company": "A", "page": 4000000000, "text": ""}"#, "page 4000000000"),
        ] {
            let error = format!("{:#}", Corpus::parse(lines.as_bytes()).unwrap_err());
            assert!(error.contains(place), "{error}");
        }
    }
}
