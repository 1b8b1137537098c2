//! What questions call a figure, what filings call it, and where filings print it.

use Statement::{CashFlows, Income, Position};

use super::Term;

/// A financial statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statement {
    CashFlows,
    Position,
    Income,
    Equity,
}

impl Statement {
    pub(super) const ALL: [Self; 4] = [Self::CashFlows, Self::Position, Self::Income, Self::Equity];

    /// How questions name it, longest first, each as [`super::wording::words`] gives it.
    pub(super) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::CashFlows => &[
                "consolidated statement of cash flows",
                "consolidated statements of cash flows",
                "statement of cash flows",
                "statements of cash flows",
                "cash flows statement",
                "cash flow statement",
                "cash flow statements",
            ],
            Self::Position => &[
                "consolidated statement of financial position",
                "statement of financial position",
                "statements of financial position",
                "consolidated balance sheet",
                "balance sheet",
                "balance sheets",
            ],
            Self::Income => &[
                "consolidated statement of income",
                "consolidated statements of income",
                "statement of income",
                "statements of income",
                "statement of operations",
                "statement of earnings",
                "income statement",
                "income statements",
                "profit and loss statement",
                "p&l statement",
                "p&l",
            ],
            Self::Equity => &[
                "statement of stockholders equity",
                "statement of shareholders equity",
                "statement of changes in equity",
                "statement of equity",
            ],
        }
    }

    /// The titles that filings give it.
    pub(super) fn term(self) -> Term {
        let titles: &[&str] = match self {
            Self::CashFlows => &[
                "statement of cash flows",
                "statements of cash flows",
                "cash flows statements",
                "cash flow statement",
            ],
            Self::Position => &[
                "balance sheet",
                "balance sheets",
                "statement of financial position",
                "statements of financial position",
            ],
            Self::Income => &[
                "statement of income",
                "statements of income",
                "income statements",
                "statement of earnings",
                "statements of earnings",
                "statement of operations",
                "statements of operations",
                "results of operations",
            ],
            Self::Equity => &[
                "statement of equity",
                "statements of equity",
                "statement of changes in equity",
                "statement of stockholders equity",
                "statements of stockholders equity",
                "statement of shareholders equity",
            ],
        };
        Term { phrases: titles.iter().map(|title| (*title).to_owned()).collect() }
    }
}

/// A figure of a company's accounts, a ratio of such figures, or a subject of its reports.
#[derive(Debug)]
pub(super) struct Concept {
    /// How questions name it, longest first, each as [`super::wording::words`] gives it. The first
    /// name is the concept's key.
    pub(super) names: &'static [&'static str],
    /// How filings print it; empty for a ratio that they do not print.
    pub(super) phrases: &'static [&'static str],
    /// Where filings print it.
    pub(super) statement: Option<Statement>,
    /// The keys of the concepts that it is computed from.
    pub(super) parts: &'static [&'static str],
    /// Whether rows of tables print it; else it is told in prose.
    pub(super) is_figure: bool,
}

impl Concept {
    /// The concept with this key.
    pub(super) fn named(key: &str) -> Option<&'static Self> {
        CONCEPTS.iter().find(|concept| concept.names[0] == key)
    }

    /// The concept as filings print it.
    pub(super) fn term(&self) -> Term {
        let phrases = if self.phrases.is_empty() { self.names } else { self.phrases };
        Term { phrases: phrases.iter().map(|phrase| (*phrase).to_owned()).collect() }
    }

    /// The concept, with the question's own name for it first.
    pub(super) fn term_named(&self, own: &str) -> Term {
        let mut phrases = vec![own.to_owned()];
        let known = self.phrases.iter().chain(self.names).filter(|phrase| **phrase != own);
        phrases.extend(known.map(|phrase| (*phrase).to_owned()));
        Term { phrases }
    }
}

const fn line(
    statement: Statement,
    names: &'static [&'static str],
    phrases: &'static [&'static str],
) -> Concept {
    Concept { names, phrases, statement: Some(statement), parts: &[], is_figure: true }
}

const fn topic(names: &'static [&'static str], phrases: &'static [&'static str]) -> Concept {
    Concept { names, phrases, statement: None, parts: &[], is_figure: true }
}

const fn subject(names: &'static [&'static str], phrases: &'static [&'static str]) -> Concept {
    Concept { names, phrases, statement: None, parts: &[], is_figure: false }
}

const fn ratio(
    names: &'static [&'static str],
    phrases: &'static [&'static str],
    parts: &'static [&'static str],
) -> Concept {
    Concept { names, phrases, statement: None, parts, is_figure: true }
}

/// The glossary. A longer name stands before a shorter one that is a part of it, and ratios before
/// the figures in their names.
#[rustfmt::skip]
pub(super) const CONCEPTS: &[Concept] = &[
    // Ratios.
    ratio(&["free cash flow", "free cash flows", "fcf"], &["free cash flow"], &["operating cash flow", "capital expenditure"]),
    ratio(&["working capital ratio", "net working capital", "working capital", "current ratio"], &["working capital"], &["current assets", "current liabilities"]),
    ratio(&["quick ratio", "acid test", "liquidity profile"], &[], &["cash and cash equivalents", "accounts receivable", "current assets", "current liabilities"]),
    ratio(&["fixed asset turnover ratio", "fixed asset turnover"], &[], &["revenue", "property plant and equipment"]),
    ratio(&["asset turnover ratio", "asset turnover"], &[], &["revenue", "total assets"]),
    ratio(&["inventory turnover ratio", "inventory turnover", "sold its inventory", "days inventory outstanding", "dio"], &[], &["cost of goods sold", "inventory"]),
    ratio(&["cash conversion cycle", "ccc"], &[], &["inventory", "accounts receivable", "accounts payable", "cost of goods sold", "revenue"]),
    ratio(&["days sales outstanding", "dso"], &[], &["accounts receivable", "revenue"]),
    ratio(&["days payable outstanding", "dpo"], &[], &["accounts payable", "cost of goods sold"]),
    ratio(&["return on assets", "roa"], &[], &["net income", "total assets"]),
    ratio(&["return on equity", "roe"], &[], &["net income", "shareholders equity"]),
    ratio(&["capital intensive", "capital intensity"], &[], &["property plant and equipment", "total assets", "capital expenditure", "revenue"]),
    ratio(&["retention ratio", "payout ratio", "dividend payout"], &[], &["dividends", "net income"]),
    ratio(&["debt to equity", "leverage ratio"], &[], &["debt", "shareholders equity"]),
    ratio(&["interest coverage ratio", "interest coverage"], &[], &["interest expense", "operating income"]),
    ratio(&["unadjusted ebitda", "adjusted ebitda", "ebitda"], &["ebitda"], &["operating income", "depreciation and amortization"]),
    ratio(&["operating margin", "operating margins", "operating profit margin"], &["operating margin", "operating income margin"], &["operating income", "revenue"]),
    ratio(&["gross margin", "gross margins", "gross profit margin", "gross profit rate"], &["gross margin", "gross profit rate", "gross profit"], &["cost of goods sold", "revenue"]),
    ratio(&["net profit margin", "net margin", "profit margin", "net income margin"], &[], &["net income", "revenue"]),
    // The statement of cash flows.
    line(CashFlows, &["capital expenditure", "capital expenditures", "capital spending", "capex", "capital investments"],
        &["purchases of property, plant and equipment", "purchases of property and equipment", "additions to property, plant and equipment", "additions to property and equipment", "capital expenditures", "capital spending", "purchases of land, buildings and equipment"]),
    line(CashFlows, &["operating cash flow", "cash flow from operating activities", "cash flows from operating activities", "cash from operating activities", "cash flow from operations", "cash from operations", "operating activities"],
        &["net cash provided by operating activities", "net cash provided by (used in) operating activities", "net cash from operations", "cash flows from operating activities"]),
    line(CashFlows, &["investing cash flow", "cash flow from investing activities", "cash flows from investing activities", "investing activities"],
        &["net cash used in investing activities", "net cash provided by (used in) investing activities", "cash flows from investing activities"]),
    line(CashFlows, &["financing cash flow", "cash flow from financing activities", "cash flows from financing activities", "financing activities"],
        &["net cash used in financing activities", "net cash provided by (used in) financing activities", "cash flows from financing activities"]),
    line(CashFlows, &["depreciation and amortization", "d&a", "depreciation"], &["depreciation and amortization", "depreciation"]),
    line(CashFlows, &["stock repurchases", "share repurchases", "share buybacks", "stock buybacks", "buybacks"],
        &["repurchase of common stock", "repurchases of common stock", "common stock repurchased", "purchases of treasury stock", "share repurchases", "share repurchase program"]),
    // The balance sheet.
    line(Position, &["property plant and equipment", "net pp&e", "net ppne", "net ppe", "pp&e net", "pp&e", "ppne", "property and equipment", "fixed assets"],
        &["property, plant and equipment", "property, plant and equipment, net", "property and equipment, net", "pp&e"]),
    line(Position, &["cash and cash equivalents", "cash cash equivalents", "cash equivalents", "cash and equivalents"], &["cash and cash equivalents", "cash and equivalents"]),
    line(Position, &["accounts receivable", "trade receivables", "receivables"], &["accounts receivable", "receivables, net", "receivables"]),
    line(Position, &["accounts payable", "trade payables", "payables"], &["accounts payable"]),
    line(Position, &["inventory", "inventories", "merchandise inventories"], &["inventories", "merchandise inventories", "inventory"]),
    line(Position, &["current assets", "total current assets"], &["total current assets", "current assets"]),
    line(Position, &["current liabilities", "total current liabilities"], &["total current liabilities", "current liabilities"]),
    line(Position, &["total assets", "average total assets"], &["total assets"]),
    line(Position, &["total liabilities", "liabilities", "largest liability", "liability"], &["total liabilities", "liabilities"]),
    subject(&["debt securities", "registered debt"], &["debt securities", "notes due", "title of each class", "name of each exchange on which registered"]),
    line(Position, &["debt", "borrowings", "total debt", "long term debt"], &["long-term debt", "short-term debt", "current portion of long-term debt", "total debt", "debt maturing within one year"]),
    line(Position, &["shareholders equity", "stockholders equity", "total equity", "book value"], &["total stockholders' equity", "total shareholders' equity", "total equity"]),
    line(Position, &["goodwill"], &["goodwill"]),
    // The statement of income.
    line(Income, &["cost of goods sold", "cogs", "cost of sales", "cost of revenue"], &["cost of sales", "cost of goods sold", "cost of revenue", "total cost of revenue", "cost of products sold"]),
    line(Income, &["gross profit"], &["gross profit", "gross margin"]),
    line(Income, &["operating income", "operating profit", "income from operations", "ebit"], &["operating income", "operating profit", "income from operations"]),
    line(Income, &["net income", "net earnings", "net profit", "net loss", "earnings attributable"], &["net income", "net earnings", "net income attributable to"]),
    line(Income, &["adjusted eps", "core eps", "eps", "earnings per share"], &["earnings per share", "diluted earnings per share", "earnings per common share", "adjusted eps", "eps"]),
    line(Income, &["revenue", "revenues", "total revenue", "total revenues", "net sales", "net revenue", "net revenues", "turnover", "top line", "sales"],
        &["net sales", "total revenues", "total net revenue", "net revenue", "revenues", "revenue", "sales", "total net sales"]),
    line(Income, &["r&d", "research and development", "r&d expense"], &["research and development", "research, development and related"]),
    line(Income, &["sg&a expense", "sg&a", "selling general and administrative"], &["selling, general and administrative", "selling, general and administrative expenses", "sg&a"]),
    line(Income, &["interest expense"], &["interest expense"]),
    line(Income, &["restructuring costs", "restructuring charges", "restructuring"], &["restructuring", "restructuring and impairment charges", "restructuring, impairment"]),
    topic(&["effective tax rate", "tax rate", "effective income tax rate"], &["effective tax rate", "effective income tax rate"]),
    topic(&["dividends", "dividend", "cash dividends", "dividends paid"], &["dividends paid", "cash dividends", "dividends declared", "dividends per share", "dividends"]),
    subject(&["legal battles", "legal proceedings", "litigation", "lawsuits", "legal disputes"], &["legal proceedings", "litigation", "lawsuits"]),
    subject(&["acquisitions", "acquired", "acquisition", "m&a"], &["acquisitions", "acquisition", "acquired", "divestitures"]),
    subject(&["geographies", "geographic region", "geographic regions", "geography", "regions"], &["geographic", "geographic area", "regions", "international", "countries"]),
    subject(&["segments", "segment", "business segments", "business segment", "divisions"], &["segment", "segments", "business segment", "reportable segments"]),
    subject(&["spin off", "spinning off", "spinoff", "separation"], &["spin-off", "separation", "separate", "distribution"]),
    topic(&["shares outstanding", "outstanding shares", "number of shares"], &["shares outstanding", "weighted average shares"]),
    topic(&["employees", "headcount", "workforce"], &["employees", "full-time employees"]),
];

#[cfg(test)]
mod tests {
    use super::{CONCEPTS, Concept, Statement};
    use crate::analysis::plan::wording::words;

    #[test]
    fn every_part_of_a_ratio_is_a_concept() {
        for concept in CONCEPTS {
            for part in concept.parts {
                assert!(Concept::named(part).is_some(), "{part}");
            }
        }
    }

    #[test]
    fn names_are_spelt_as_questions_words_are_read() {
        let names = CONCEPTS.iter().flat_map(|concept| concept.names);
        let statements = Statement::ALL.iter().flat_map(|statement| statement.names());
        for name in names.chain(statements) {
            assert_eq!(words(name).join(" "), *name);
        }
    }

    #[test]
    fn phrases_are_in_lower_case() {
        for phrase in CONCEPTS.iter().flat_map(|concept| concept.phrases) {
            assert_eq!(phrase.to_lowercase(), *phrase);
        }
    }
}
