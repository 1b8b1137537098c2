//! What a document is, as far as its title and its words tell: its type and its fiscal period.

use engine::analysis::plan::{DocumentType, fiscal_quarters};
use engine::ports::Passage;

use super::tokens::stems;

/// Pages that may be a document's cover.
const COVER_PAGES: u32 = 3;
/// Passages that may be the cover of a document without pages.
const COVER_PASSAGES: usize = 4;
/// Characters of a document that are read for the quarter it speaks of most.
const QUARTER_CHARS_MAX: usize = 200_000;

/// What a whole document is. Parts that nothing tells are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Profile {
    /// The fiscal years that it is about.
    pub(super) years: Vec<u16>,
    /// The fiscal quarter that it is about, from 1 to 4.
    pub(super) quarter: Option<u8>,
    /// Its type.
    pub(super) document_type: Option<DocumentType>,
}

impl Profile {
    /// The profile of a document: what its title says, else its cover, else, for the quarter, the
    /// one that a document about a quarter speaks of most.
    pub(super) fn of(title: &str, passages: &[Passage]) -> Self {
        let cover = || {
            let cover = passages.iter().take(COVER_PASSAGES);
            let cover = cover.filter(|passage| passage.page.is_none_or(|page| page <= COVER_PAGES));
            cover.flat_map(|passage| passage.text.lines())
        };
        let document_type =
            DocumentType::of_title(title).or_else(|| cover().find_map(DocumentType::of_cover_line));
        let mut years: Vec<u16> = stems(title).iter().filter_map(|word| year(word)).collect();
        if years.is_empty() {
            years.extend(cover().find_map(period_end));
        }
        years.sort_unstable();
        years.dedup();
        let quarter = match fiscal_quarters(title)[..] {
            [quarter] => Some(quarter),
            _ => {
                document_type.filter(|kind| is_about_quarter(*kind)).and_then(|_| spoken(passages))
            }
        };
        Self { years, quarter, document_type }
    }
}

/// Whether a word is a year of our time.
pub(super) fn year(word: &str) -> Option<u16> {
    let year = (word.len() == 4).then(|| word.parse().ok()).flatten()?;
    (1980..=2099).contains(&year).then_some(year)
}

/// The year of "for the fiscal year ended December 31, 2018".
fn period_end(line: &str) -> Option<u16> {
    let lower = line.to_lowercase();
    let (period, end) = lower.split_once("ended")?;
    let is_period =
        ["year", "period", "quarter", "months"].iter().any(|unit| period.contains(unit));
    is_period.then(|| stems(end).iter().find_map(|word| year(word))).flatten()
}

const fn is_about_quarter(kind: DocumentType) -> bool {
    match kind {
        DocumentType::QuarterlyReport | DocumentType::EarningsRelease => true,
        DocumentType::AnnualReport | DocumentType::CurrentReport | DocumentType::ProxyStatement => {
            false
        }
    }
}

/// The quarter that most lines name which name one alone. A date does not tell it: fiscal years
/// end in any month.
fn spoken(passages: &[Passage]) -> Option<u8> {
    let mut lines = [0_u32; 4];
    let mut chars = 0;
    for passage in passages {
        chars += passage.text.len();
        if chars > QUARTER_CHARS_MAX {
            break;
        }
        for line in passage.text.lines() {
            if let [quarter] = fiscal_quarters(line)[..] {
                lines[usize::from(quarter) - 1] += 1;
            }
        }
    }
    let most = lines.iter().copied().max().filter(|most| *most > 0)?;
    let mut with_most = (1..).zip(lines).filter(|(_, count)| *count == most);
    let (quarter, _) = with_most.next()?;
    // As many lines of two quarters tell nothing.
    with_most.next().is_none().then_some(quarter)
}

#[cfg(test)]
mod tests {
    use engine::analysis::plan::DocumentType::{
        AnnualReport, CurrentReport, EarningsRelease, QuarterlyReport,
    };
    use engine::ports::Passage;

    use super::Profile;

    fn passages(text: &str) -> [Passage; 1] {
        [Passage {
            page: Some(1),
            heading: String::new(),
            table_head: String::new(),
            text: text.to_owned(),
        }]
    }

    #[test]
    fn a_document_is_about_the_years_of_its_title_or_cover() {
        let annual = "FORM 10-K\nFor the fiscal year ended January 28, 2017\nSince 1999";
        for (title, cover, years) in [
            ("3M_2018_10K", annual, &[2018][..]),
            ("Annual report", annual, &[2017]),
            ("Annual report", "We were founded in 1999.", &[]),
            ("BESTBUY_2024Q2_10Q", annual, &[2024]),
        ] {
            assert_eq!(Profile::of(title, &passages(cover)).years, years, "{title}");
        }
    }

    #[test]
    fn a_documents_type_stands_in_its_title_or_on_its_cover() {
        for (title, cover, kind) in [
            ("3M_2018_10K", "FORM 10-Q", Some(AnnualReport)),
            ("filing", "UNITED STATES\nFORM 8-K\nCURRENT REPORT", Some(CurrentReport)),
            ("filing", "FOR IMMEDIATE RELEASE", Some(EarningsRelease)),
            ("filing", "Net sales rose.", None),
        ] {
            assert_eq!(Profile::of(title, &passages(cover)).document_type, kind, "{title}");
        }
    }

    #[test]
    fn a_quarter_is_read_where_a_document_is_about_one() {
        let second =
            "FORM 10-Q\nSales of the second quarter\nthe second quarter\nthe first quarter";
        for (title, text, quarter) in [
            ("ACME_2024Q3_10Q", second, Some(3)),
            ("filing", second, Some(2)),
            ("filing", "FORM 10-Q\nthe first quarter\nthe second quarter", None),
            ("ACME_2024_10K", second, None),
        ] {
            assert_eq!(Profile::of(title, &passages(text)).quarter, quarter, "{title}: {text}");
        }
        assert_eq!(Profile::of("ACME_10Q", &[]).document_type, Some(QuarterlyReport));
    }
}
