//! Kinds of documents that companies publish, as titles, covers and questions name them.

use serde::{Deserialize, Serialize};

use super::wording::words;

/// What kind of document a company published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentType {
    /// A year's accounts and their discussion: Form 10-K, Form 20-F, an annual report.
    AnnualReport,
    /// A quarter's accounts: Form 10-Q.
    QuarterlyReport,
    /// Something that happened: Form 8-K, Form 6-K.
    CurrentReport,
    /// What shareholders vote on: a proxy statement.
    ProxyStatement,
    /// The first news of a period's results.
    EarningsRelease,
}

impl DocumentType {
    /// Every type.
    pub const ALL: [Self; 5] = [
        Self::AnnualReport,
        Self::QuarterlyReport,
        Self::CurrentReport,
        Self::ProxyStatement,
        Self::EarningsRelease,
    ];

    /// The type's name in stores.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnnualReport => "annual_report",
            Self::QuarterlyReport => "quarterly_report",
            Self::CurrentReport => "current_report",
            Self::ProxyStatement => "proxy_statement",
            Self::EarningsRelease => "earnings_release",
        }
    }

    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The types that a text names: "the 10-K", "this annual report", "an 8K".
    #[must_use]
    pub fn mentioned(text: &str) -> Vec<Self> {
        let text = spaced(text);
        Self::ALL.into_iter().filter(|kind| kind.is_in(&text, kind.names())).collect()
    }

    /// The type that a document's title names.
    #[must_use]
    pub fn of_title(title: &str) -> Option<Self> {
        let text = spaced(title);
        let kinds = Self::ALL.into_iter();
        let named = kinds.clone().find(|kind| kind.is_in(&text, kind.names()));
        named.or_else(|| kinds.clone().find(|kind| kind.is_in(&text, kind.titles())))
    }

    /// The type that a line of a document's cover gives it.
    #[must_use]
    pub fn of_cover_line(line: &str) -> Option<Self> {
        let text = spaced(line);
        Self::ALL.into_iter().find(|kind| kind.is_in(&text, kind.covers()))
    }

    fn is_in(self, spaced: &str, names: &[&str]) -> bool {
        names.iter().any(|name| spaced.contains(&format!(" {name} ")))
    }

    /// How questions and titles name it.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::AnnualReport => &["10k", "10 k", "20f", "20 f", "annual report"],
            Self::QuarterlyReport => &["10q", "10 q", "quarterly report"],
            Self::CurrentReport => &["8k", "8 k", "6k", "6 k", "current report"],
            Self::ProxyStatement => &["proxy", "proxy statement", "def 14a", "def14a"],
            Self::EarningsRelease => {
                &["earnings release", "earnings report", "earnings announcement", "press release"]
            }
        }
    }

    /// What else names it in a title; in a question the words would mean something else.
    const fn titles(self) -> &'static [&'static str] {
        match self {
            Self::EarningsRelease => &["earnings", "results"],
            Self::AnnualReport => &["annual"],
            Self::QuarterlyReport => &["quarterly"],
            Self::CurrentReport | Self::ProxyStatement => &[],
        }
    }

    /// How its cover names it. A cover names other types too, but not in these words.
    const fn covers(self) -> &'static [&'static str] {
        match self {
            Self::AnnualReport => &["form 10 k", "form 10k", "form 20 f", "annual report"],
            Self::QuarterlyReport => &["form 10 q", "form 10q", "quarterly report"],
            Self::CurrentReport => &["form 8 k", "form 8k", "form 6 k", "current report"],
            Self::ProxyStatement => &["schedule 14a", "notice of annual meeting"],
            Self::EarningsRelease => &["for immediate release", "earnings release"],
        }
    }
}

/// A text's words between single spaces, one before the first and one after the last.
fn spaced(text: &str) -> String {
    format!(" {} ", words(text).join(" "))
}

#[cfg(test)]
mod tests {
    use super::DocumentType::{
        self, AnnualReport, CurrentReport, EarningsRelease, ProxyStatement, QuarterlyReport,
    };

    #[test]
    fn titles_name_their_type() {
        for (title, kind) in [
            ("3M_2018_10K", Some(AnnualReport)),
            ("Acme 10-Q, second quarter", Some(QuarterlyReport)),
            ("PEPSICO_2023_8K_dated-2023-05-30", Some(CurrentReport)),
            ("ULTABEAUTY_2023Q4_EARNINGS", Some(EarningsRelease)),
            ("Proxy statement 2023", Some(ProxyStatement)),
            ("Outlook 2010 kept", None),
        ] {
            assert_eq!(DocumentType::of_title(title), kind, "{title}");
        }
    }

    #[test]
    fn questions_name_a_type_only_where_they_mean_it() {
        let mentioned = DocumentType::mentioned;
        assert_eq!(mentioned("Which companies are mentioned in this 10K report?"), [AnnualReport]);
        assert_eq!(mentioned("How high were earnings per share?"), []);
    }

    #[test]
    fn a_cover_names_the_type_of_its_document() {
        for (line, kind) in [
            ("FORM 10-K", Some(AnnualReport)),
            ("☒ QUARTERLY REPORT PURSUANT TO SECTION 13", Some(QuarterlyReport)),
            ("Portions of the proxy statement are incorporated by reference.", None),
            ("FOR IMMEDIATE RELEASE", Some(EarningsRelease)),
        ] {
            assert_eq!(DocumentType::of_cover_line(line), kind, "{line}");
        }
    }

    #[test]
    fn a_type_is_known_by_its_name_in_stores() {
        for kind in DocumentType::ALL {
            assert_eq!(DocumentType::named(kind.as_str()), Some(kind));
        }
    }
}
