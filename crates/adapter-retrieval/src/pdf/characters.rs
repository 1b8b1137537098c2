//! The characters that a font's codes stand for, as they are to be read.

use hayro_font::hayro_cmap::BfString;

/// Gives `each` the characters that are seen where a code is drawn, and how many they are.
pub(super) fn for_each_seen(text: &BfString, mut each: impl FnMut(char, usize)) {
    let mut single = [0; 4];
    let text = match text {
        BfString::Char(c) => c.encode_utf8(&mut single),
        BfString::String(string) => string.as_str(),
    };
    let count = text.chars().map(|c| seen(c).count()).sum();
    for c in text.chars().flat_map(seen) {
        each(c, count);
    }
}

/// What is seen where a character is drawn: nothing for those that have no ink.
fn seen(c: char) -> impl Iterator<Item = char> {
    let mut single = [None, None, None];
    match c {
        '\u{fb00}' => single = [Some('f'), Some('f'), None],
        '\u{fb01}' => single = [Some('f'), Some('i'), None],
        '\u{fb02}' => single = [Some('f'), Some('l'), None],
        '\u{fb03}' => single = [Some('f'), Some('f'), Some('i')],
        '\u{fb04}' => single = [Some('f'), Some('f'), Some('l')],
        '\u{fb05}' | '\u{fb06}' => single = [Some('s'), Some('t'), None],
        // Whoever draws a soft hyphen shows a hyphen: many fonts name theirs so.
        '\u{ad}' | '\u{2010}' | '\u{2011}' => single[0] = Some('-'),
        // The bullet of symbol fonts.
        '\u{f0b7}' | '\u{f0a7}' => single[0] = Some('•'),
        c if c.is_whitespace() => single[0] = Some(' '),
        c if is_unseen(c) => {}
        c => single[0] = Some(c),
    }
    single.into_iter().flatten()
}

/// Characters without ink, and those that mean something in one font alone.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{e000}'..='\u{f8ff}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{fffe}'
                | '\u{f0000}'..
        )
}

#[cfg(test)]
mod tests {
    use hayro_font::hayro_cmap::BfString;

    use super::for_each_seen;

    #[test]
    fn what_is_drawn_is_what_is_read() {
        for (drawn, read) in [
            ("e\u{fb03}cient", "efficient"),
            ("long\u{ad}term", "long-term"),
            ("a\u{200b}b\u{7}c\u{feff}", "abc"),
            ("\u{f0b7}\u{a0}\u{e123}x", "• x"),
        ] {
            let mut seen = String::new();
            for_each_seen(&BfString::String(drawn.to_owned()), |c, count| {
                assert_eq!(count, read.chars().count());
                seen.push(c);
            });
            assert_eq!(seen, read);
        }
    }
}
