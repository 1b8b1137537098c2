//! One page's text, made uniform.
//!
//! A cleaned page is in NFC; its lines are parted by `\n`, begin and end with no space, and no two
//! of them in a row are blank; columns are parted by [`COLUMN_GAP`]; a currency sign, a
//! parenthesis and a percent sign stand directly at their figure.

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// What stands between two columns of a line.
pub(crate) const COLUMN_GAP: &str = "   ";

/// Cleans a page.
pub(super) fn clean(page: &str) -> String {
    let mut cleaned = String::with_capacity(page.len());
    let mut blank_before = true;
    let mut line = String::new();
    for raw in normalise(page).split('\n') {
        fold_spaces(raw, &mut line);
        if line.is_empty() {
            blank_before = true;
            continue;
        }
        if !cleaned.is_empty() {
            cleaned.push_str(if blank_before { "\n\n" } else { "\n" });
        }
        blank_before = false;
        cleaned.push_str(&line);
    }
    cleaned
}

/// NFC, one kind of line break, one kind of space, nothing invisible.
fn normalise(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    let mut after_return = false;
    for c in page.chars() {
        match c {
            '\n' if after_return => {}
            '\r' | '\n' | '\u{b}' | '\u{85}' | '\u{2028}' | '\u{2029}' => text.push('\n'),
            '\t' => text.push_str(COLUMN_GAP),
            c if is_invisible(c) => {}
            c if c.is_whitespace() => text.push(' '),
            c => text.push(c),
        }
        after_return = c == '\r';
    }
    if is_nfc_quick(text.chars()) == IsNormalized::Yes {
        return text;
    }
    // Runs of combining marks are broken up first: sorting an endless one takes too long.
    text.stream_safe().nfc().collect()
}

/// Control characters, zero-width characters, soft hyphens and marks of writing direction.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2064}'
                | '\u{2066}'..='\u{206f}'
                | '\u{feff}'
        )
}

/// Rewrites a line's spaces into `line`.
fn fold_spaces(raw: &str, line: &mut String) {
    line.clear();
    let mut spaces = 0;
    for c in raw.trim().chars() {
        if c == ' ' {
            spaces += 1;
            continue;
        }
        if spaces > 0 {
            line.push_str(gap(line, spaces, c));
            spaces = 0;
        }
        line.push(c);
    }
}

/// What is left of `spaces` spaces between the end of `line` and `next`.
fn gap(line: &str, spaces: usize, next: char) -> &'static str {
    let last = line.chars().next_back().unwrap_or(' ');
    let begins_figure = next.is_ascii_digit() || matches!(next, '(' | '—' | '–' | '-' | '.');
    let ends_figure = last.is_ascii_digit() || matches!(last, '—' | '–');
    if matches!(last, '$' | '€' | '£' | '¥') && begins_figure {
        return "";
    }
    // "(409 )" and "5.1 %": the figure was set in a column of its own.
    if next == ')' && (ends_figure || last == '%') || next == '%' && (ends_figure || last == ')') {
        return "";
    }
    let sentence_space = spaces == 2 && matches!(last, '.' | '?' | '!' | ':');
    if spaces == 1 || sentence_space { " " } else { COLUMN_GAP }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn a_sign_stays_with_its_figure() {
        for (raw, cleaned) in [
            ("Net income   $       5,363    $  4,869", "Net income   $5,363   $4,869"),
            (
                "Inventories      1,242    (1,123 )   (737 )",
                "Inventories   1,242   (1,123)   (737)",
            ),
            ("Growth      5.1 %    (3.0 )%", "Growth   5.1%   (3.0)%"),
            ("Swaps     $   —      (1,098)", "Swaps   $—   (1,098)"),
            ("Loss\t$\t(42)", "Loss   $(42)"),
        ] {
            assert_eq!(clean(raw), cleaned);
        }
    }

    #[test]
    fn spaces_and_breaks_of_every_kind_are_made_uniform() {
        let raw = "\u{feff}A\u{a0}b\u{2009}c\r\nsoft\u{ad}hyphen\rzero\u{200b}width\n\n\n\nEnd.  Next \
                   e\u{301}\n  \n";
        assert_eq!(clean(raw), "A b c\nsofthyphen\nzerowidth\n\nEnd. Next é");
    }

    #[test]
    fn an_endless_run_of_combining_marks_is_cleaned_in_linear_time() {
        let raw = format!("a{}", "\u{301}\u{323}".repeat(300_000));
        assert!(clean(&raw).len() >= raw.len() - 10);
    }
}
