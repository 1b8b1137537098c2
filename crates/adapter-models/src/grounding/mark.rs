//! Marks: `[1]`, `[1, 3]`, `[2-4]`.

/// Bytes of a mark at the most, with its brackets.
const MARK_BYTES_MAX: usize = 32;

/// What the text since an opening bracket is so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// It may still become a mark.
    Open,
    /// It is a mark with these numbers, as they stand there.
    Complete(Vec<Cited>),
    /// It is text.
    None,
}

/// A number, or a range of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cited {
    pub(super) first: String,
    pub(super) last: String,
}

/// Reads what begins with an opening bracket.
pub(super) fn read(text: &str) -> Mark {
    let Some(inner) = text.strip_prefix('[') else { return Mark::None };
    if text.len() > MARK_BYTES_MAX {
        return Mark::None;
    }
    let is_part = |c: char| c.is_ascii_digit() || ",;-–^ ".contains(c);
    let Some(numbers) = inner.strip_suffix(']') else {
        return if inner.chars().all(is_part) { Mark::Open } else { Mark::None };
    };
    let numbers = numbers.strip_prefix('^').unwrap_or(numbers);
    let cited: Option<Vec<Cited>> = numbers.split([',', ';']).map(cited).collect();
    cited.map_or(Mark::None, Mark::Complete)
}

fn cited(text: &str) -> Option<Cited> {
    let (first, last) = text.split_once(['-', '–']).unwrap_or((text, text));
    let [first, last] = [first, last].map(|number| number.trim().to_owned());
    let is_number = |text: &String| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(&first) && is_number(&last)).then_some(Cited { first, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_known_by_its_form() {
        let cited = |first: &str, last: &str| Cited { first: first.into(), last: last.into() };
        for (text, expected) in [
            ("[1]", Mark::Complete(vec![cited("1", "1")])),
            ("[^2]", Mark::Complete(vec![cited("2", "2")])),
            (
                "[1, 12;3]",
                Mark::Complete(vec![cited("1", "1"), cited("12", "12"), cited("3", "3")]),
            ),
            ("[2–4]", Mark::Complete(vec![cited("2", "4")])),
            ("[", Mark::Open),
            ("[1, ", Mark::Open),
            ("[]", Mark::None),
            ("[sic]", Mark::None),
            ("[1,]", Mark::None),
            ("[1a", Mark::None),
            ("1]", Mark::None),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
        assert_eq!(read(&format!("[{}", "1".repeat(MARK_BYTES_MAX))), Mark::None);
    }
}
