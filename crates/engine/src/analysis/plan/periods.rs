//! Fiscal years and quarters as questions and titles write them.

/// Years that a question can mean.
const YEARS: std::ops::RangeInclusive<u16> = 1980..=2099;
/// Years that are taken from one question.
const YEARS_MAX: usize = 8;

/// The years that a text names, newest first, each once: "FY2018", "FY22", "fiscal 2019",
/// "Q2 of FY2023", "2023Q1", "in 2022", "May 26, 2023", "Q22023".
pub(super) fn fiscal_years(text: &str) -> Vec<u16> {
    let lower = text.to_lowercase();
    let mut years = Vec::new();
    let mut before = "";
    for word in lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        years.extend(year_of(word, before));
        before = word;
    }
    years.sort_unstable_by(|a, b| b.cmp(a));
    years.dedup();
    years.truncate(YEARS_MAX);
    years
}

/// The quarters that a text names, from 1 to 4, each once: "Q2 of FY2023", "2023Q1", "Q22023", "the
/// second quarter".
#[must_use]
pub fn fiscal_quarters(text: &str) -> Vec<u8> {
    const ORDINALS: [[&str; 2]; 4] =
        [["first", "1st"], ["second", "2nd"], ["third", "3rd"], ["fourth", "4th"]];
    let lower = text.to_lowercase();
    let words = || lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let followed = words().zip(words().skip(1));
    let ordinal = |(word, next): (&str, &str)| {
        let quarter = ORDINALS.iter().position(|names| names.contains(&word))?;
        next.starts_with("quarter").then_some(quarter as u8 + 1)
    };
    let mut quarters: Vec<u8> =
        words().filter_map(quarter_of).chain(followed.filter_map(ordinal)).collect();
    quarters.sort_unstable();
    quarters.dedup();
    quarters
}

/// "q2", "q22023", "q2fy23", "2023q1" and "fy2023q1".
fn quarter_of(word: &str) -> Option<u8> {
    let rest = match word.strip_prefix('q') {
        Some(after) if after.len() == 1 => after,
        Some(after) => quarter_first(word).map(|_| &after[..1])?,
        None => quarter_last(word).map(|_| &word[word.len() - 1..])?,
    };
    rest.parse().ok().filter(|quarter| (1..=4).contains(quarter))
}

fn year_of(word: &str, before: &str) -> Option<u16> {
    let digits = word
        .strip_prefix("fy")
        .or_else(|| word.strip_prefix("cy"))
        .or_else(|| quarter_first(word))
        .or_else(|| quarter_last(word))
        .unwrap_or(word);
    let has_prefix = digits.len() < word.len() || matches!(before, "fy" | "fiscal");
    let number: u16 = digits.parse().ok()?;
    match digits.len() {
        4 if YEARS.contains(&number) => Some(number),
        2 if has_prefix => Some(2_000 + number),
        _ => None,
    }
}

/// "q22023" and "q2fy23".
fn quarter_first(word: &str) -> Option<&str> {
    let rest = word.strip_prefix('q')?.strip_prefix(['1', '2', '3', '4'])?;
    Some(rest.strip_prefix("fy").unwrap_or(rest)).filter(|rest| !rest.is_empty())
}

/// "2023q1" and "fy2023q1".
fn quarter_last(word: &str) -> Option<&str> {
    let rest = word.strip_suffix(['1', '2', '3', '4'])?.strip_suffix('q')?;
    Some(rest.strip_prefix("fy").unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::{fiscal_quarters, fiscal_years};

    #[test]
    fn years_are_read_as_questions_write_them() {
        for (text, years) in [
            ("the FY2018 capital expenditure", &[2018][..]),
            ("fiscal 2019 and fiscal year 2017", &[2019, 2017]),
            ("between FY20 and FY21", &[2021, 2020]),
            ("Q2 of FY2023 compared to FY 22", &[2023, 2022]),
            ("As of FY2023Q1 or Q22023 or Q2'2021", &[2023, 2021]),
            ("held on May 3, 2023, of 20 stores", &[2023]),
            ("the 2 year average of 5000 shares", &[]),
            ("FY2017 - FY2019", &[2019, 2017]),
        ] {
            assert_eq!(fiscal_years(text), years, "{text:?}");
        }
    }

    #[test]
    fn quarters_are_read_as_questions_and_titles_write_them() {
        for (text, quarters) in [
            ("between FY 2023 and Q2 of FY2024", &[2][..]),
            ("As of FY2023Q1 or Q22023 or Q4'2021", &[1, 2, 4]),
            ("the second quarter and the Third-Quarter of 2023", &[2, 3]),
            ("JOHNSON_JOHNSON_2022Q4_EARNINGS", &[4]),
            ("a quick first look at q5, q and 3q", &[]),
        ] {
            assert_eq!(fiscal_quarters(text), quarters, "{text:?}");
        }
    }
}
