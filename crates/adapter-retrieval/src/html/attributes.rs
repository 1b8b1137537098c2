//! The attributes of a start tag that say how its element reads.

/// Of an attribute's value, bytes that are looked at.
const VALUE_BYTES_MAX: usize = 4_096;
/// The most columns and rows that a cell spans, in the HTML standard.
const COLSPAN_MAX: u32 = 1_000;
const ROWSPAN_MAX: u32 = 65_534;

/// What is known of a start tag's attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) hidden: bool,
    /// A page ends before the element.
    pub(super) break_before: bool,
    /// A page ends after the element.
    pub(super) break_after: bool,
    pub(super) landmark: Option<Landmark>,
    pub(super) colspan: u32,
    pub(super) rowspan: u32,
}

/// What a `role`, an `id` or a `class` makes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Landmark {
    Chrome,
    Banner,
    Search,
    /// A notice that asks for consent to cookies.
    Consent,
}

impl Default for Attributes {
    fn default() -> Self {
        let (hidden, break_before, break_after) = (false, false, false);
        Self { hidden, break_before, break_after, landmark: None, colspan: 1, rowspan: 1 }
    }
}

impl Attributes {
    /// Takes an attribute. One without a value has an empty one.
    pub(super) fn take(&mut self, name: &[u8], value: &[u8]) {
        let value = &value[..value.len().min(VALUE_BYTES_MAX)];
        match name {
            // "until-found" is shown as soon as somebody looks for it.
            b"hidden" => self.hidden |= !value.eq_ignore_ascii_case(b"until-found"),
            b"aria-hidden" => self.hidden |= value.eq_ignore_ascii_case(b"true"),
            b"style" => self.take_style(value),
            b"role" => self.landmark = landmark(value).or(self.landmark),
            b"id" | b"class" if asks_for_consent(value) => self.landmark = Some(Landmark::Consent),
            b"colspan" => self.colspan = span(value, COLSPAN_MAX),
            b"rowspan" => self.rowspan = span(value, ROWSPAN_MAX),
            _ => {}
        }
    }

    fn take_style(&mut self, style: &[u8]) {
        for declaration in style.split(|byte| *byte == b';') {
            let mut parts = declaration.splitn(2, |byte| *byte == b':').map(<[u8]>::trim_ascii);
            let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
            let value = value.split(|byte| matches!(byte, b' ' | b'!')).next().unwrap_or_default();
            let is = |word: &&str| value.eq_ignore_ascii_case(word.as_bytes());
            if name.eq_ignore_ascii_case(b"display") {
                self.hidden |= is(&"none");
            } else if name.eq_ignore_ascii_case(b"visibility") {
                self.hidden |= is(&"hidden");
            } else if is_property(name, ["page-break-before", "break-before"]) {
                self.break_before = PAGE_BREAKS.iter().any(is);
            } else if is_property(name, ["page-break-after", "break-after"]) {
                self.break_after = PAGE_BREAKS.iter().any(is);
            }
        }
    }
}

/// The values of CSS that force a page to end.
const PAGE_BREAKS: [&str; 6] = ["always", "page", "left", "right", "recto", "verso"];

fn is_property(name: &[u8], known: [&str; 2]) -> bool {
    known.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

fn landmark(role: &[u8]) -> Option<Landmark> {
    match role.to_ascii_lowercase().as_slice() {
        b"navigation" | b"complementary" => Some(Landmark::Chrome),
        b"banner" | b"contentinfo" => Some(Landmark::Banner),
        b"search" => Some(Landmark::Search),
        _ => None,
    }
}

fn asks_for_consent(name: &[u8]) -> bool {
    const NOTICES: [&str; 8] =
        ["banner", "consent", "notice", "popup", "modal", "dialog", "overlay", "bar"];
    let lower = String::from_utf8_lossy(name).to_lowercase();
    ["onetrust", "cookiebot", "didomi", "usercentrics"].iter().any(|word| lower.contains(word))
        || lower.contains("cookie") && NOTICES.iter().any(|word| lower.contains(word))
}

fn span(value: &[u8], max: u32) -> u32 {
    let digits = value.trim_ascii().iter().take_while(|byte| byte.is_ascii_digit());
    let count = digits
        .fold(0_u32, |sum, digit| sum.saturating_mul(10).saturating_add(u32::from(digit - b'0')));
    count.clamp(1, max)
}

#[cfg(test)]
mod tests {
    use super::{Attributes, Landmark};

    fn attributes(given: &[(&str, &str)]) -> Attributes {
        let mut attributes = Attributes::default();
        for (name, value) in given {
            attributes.take(name.as_bytes(), value.as_bytes());
        }
        attributes
    }

    #[test]
    fn styles_hide_and_break() {
        for (style, hidden, before, after) in [
            ("color:red; DISPLAY : none !important", true, false, false),
            ("visibility:hidden", true, false, false),
            ("page-break-before:always;", false, true, false),
            ("margin:0;PAGE-BREAK-AFTER: Always", false, false, true),
            ("break-before: page; break-after:page", false, true, true),
            ("page-break-before:avoid;break-after:auto", false, false, false),
            ("display", false, false, false),
        ] {
            let read = attributes(&[("style", style)]);
            assert_eq!((read.hidden, read.break_before, read.break_after), (hidden, before, after));
        }
    }

    #[test]
    fn roles_and_names_tell_boilerplate() {
        for (name, value, landmark) in [
            ("role", "navigation", Some(Landmark::Chrome)),
            ("role", "row", None),
            ("id", "cookie-banner", Some(Landmark::Consent)),
            ("class", "fixed OneTrust-root", Some(Landmark::Consent)),
            ("class", "cookies-sold-by-region", None),
        ] {
            assert_eq!(attributes(&[(name, value)]).landmark, landmark);
        }
    }

    #[test]
    fn spans_stay_within_the_standard() {
        for (given, colspan) in [("3", 3), (" 2x", 2), ("0", 1), ("", 1), ("99999999999", 1_000)] {
            assert_eq!(attributes(&[("colspan", given)]).colspan, colspan);
        }
    }
}
