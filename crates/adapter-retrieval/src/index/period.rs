//! The fiscal years that a whole document is about.

use engine::ports::Passage;

use super::tokens::stems;

/// Pages that may be a document's cover.
const COVER_PAGES: u32 = 3;
/// Passages that may be the cover of a document without pages.
const COVER_PASSAGES: usize = 4;

/// The years in a document's title; else the one in which the period ends that its cover names,
/// as in "for the fiscal year ended December 31, 2018".
pub(super) fn document_years(title: &str, passages: &[Passage]) -> Vec<u16> {
    let mut years: Vec<u16> = stems(title).iter().filter_map(|word| year(word)).collect();
    if years.is_empty() {
        let cover = passages.iter().take(COVER_PASSAGES);
        let cover = cover.filter(|passage| passage.page.is_none_or(|page| page <= COVER_PAGES));
        years.extend(cover.flat_map(|passage| passage.text.lines()).find_map(period_end));
    }
    years.sort_unstable();
    years.dedup();
    years
}

/// Whether a word is a year of our time.
pub(super) fn year(word: &str) -> Option<u16> {
    let year = (word.len() == 4).then(|| word.parse().ok()).flatten()?;
    (1980..=2099).contains(&year).then_some(year)
}

fn period_end(line: &str) -> Option<u16> {
    let lower = line.to_lowercase();
    let (period, end) = lower.split_once("ended")?;
    let is_period =
        ["year", "period", "quarter", "months"].iter().any(|unit| period.contains(unit));
    is_period.then(|| stems(end).iter().find_map(|word| year(word))).flatten()
}

#[cfg(test)]
mod tests {
    use engine::ports::Passage;

    use super::document_years;

    #[test]
    fn a_document_is_about_the_years_of_its_title_or_cover() {
        let cover = |text: &str| {
            [Passage {
                page: Some(1),
                heading: String::new(),
                table_head: String::new(),
                text: text.to_owned(),
            }]
        };
        let annual = cover("FORM 10-K\nFor the fiscal year ended January 28, 2017\nSince 1999");
        for (title, passages, years) in [
            ("3M_2018_10K", &annual, &[2018][..]),
            ("Annual report", &annual, &[2017]),
            ("Annual report", &cover("We were founded in 1999."), &[]),
            ("BESTBUY_2024Q2_10Q", &annual, &[2024]),
        ] {
            assert_eq!(document_years(title, passages), years, "{title}");
        }
    }
}
