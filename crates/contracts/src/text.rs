/// The first `max` Unicode scalar values of `text`; all of it if it is shorter.
#[must_use]
pub fn truncate_chars(text: &str, max: usize) -> &str {
    match text.char_indices().nth(max) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// The longest beginning of `text` that takes at most `max_bytes` as JSON, without the quotes.
#[must_use]
pub fn truncate_json(text: &str, max_bytes: usize) -> &str {
    let mut bytes = 0;
    for (at, c) in text.char_indices() {
        // RFC 8259, section 7, as serde_json writes it.
        bytes += match c {
            '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            '\0'..='\u{1f}' => 6,
            c => c.len_utf8(),
        };
        if bytes > max_bytes {
            return &text[..at];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cut_text_is_the_longest_beginning_that_fits(text in any::<String>(), max in 0usize..80) {
            let bytes = |text: &str| serde_json::to_vec(text).unwrap().len() - 2;
            let cut = truncate_json(&text, max);
            prop_assert!(text.starts_with(cut) && bytes(cut) <= max);
            if let Some(next) = text[cut.len()..].chars().next() {
                let longer = format!("{cut}{next}");
                prop_assert!(bytes(&longer) > max);
            }
        }
    }
}
