//! The bytes of a page to its characters.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use engine::ports::ReadError;

/// A page names its encoding within its first bytes, says the HTML standard.
const PRESCAN_BYTES: usize = 1_024;
/// One control character in so many is forgiven.
const CONTROL_ONE_IN: usize = 100;

/// Reads a page in the encoding that it names: with a byte order mark, else within its first
/// bytes. One that names none is UTF-8, else windows-1252, as browsers take it.
///
/// # Errors
/// [`ReadError::Malformed`] if the bytes are no text.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    if bytes.starts_with(b"%PDF-") {
        return Err(ReadError::malformed("HTML", "it is a PDF"));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, _) = encoding.decode_without_bom_handling(&bytes[mark..]);
        return check(text);
    }
    if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
        return Err(ReadError::malformed("HTML", format!("a NUL at byte {offset}")));
    }
    let named = named_encoding(&bytes[..bytes.len().min(PRESCAN_BYTES)]);
    let (text, damaged) = named.unwrap_or(UTF_8).decode_without_bom_handling(bytes);
    // A page that names UTF-8 and holds something else is as wrong as one that names nothing.
    if damaged && named.is_none_or(|encoding| encoding == UTF_8) {
        return check(WINDOWS_1252.decode_without_bom_handling(bytes).0);
    }
    check(text)
}

/// The encoding that `<meta charset>`, `http-equiv` or the XML declaration names.
fn named_encoding(head: &[u8]) -> Option<&'static Encoding> {
    let head = head.to_ascii_lowercase();
    [b"charset".as_slice(), b"encoding"].into_iter().find_map(|name| {
        let at = head.windows(name.len()).position(|window| window == name)?;
        let value = head[at + name.len()..].trim_ascii_start().strip_prefix(b"=")?;
        let value = value.trim_ascii_start();
        let value = value.strip_prefix(b"\"").or(value.strip_prefix(b"'")).unwrap_or(value);
        let end = value.iter().position(|byte| b"\"'>;? \t\r\n/".contains(byte));
        let encoding = Encoding::for_label(&value[..end.unwrap_or(value.len())])?;
        // What could be read as far as this name is not UTF-16, whatever the name is.
        Some(encoding.output_encoding())
    })
}

fn check(text: Cow<'_, str>) -> Result<Cow<'_, str>, ReadError> {
    let control = |c: &char| c.is_control() && !c.is_ascii_whitespace() && *c != '\u{85}';
    let controls = text.chars().filter(control).count();
    if controls > text.len() / CONTROL_ONE_IN {
        let reason = format!("{controls} control characters, as no text has them");
        return Err(ReadError::malformed("HTML", reason));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use engine::ports::ReadError;

    use super::decode;

    #[test]
    fn a_page_is_read_in_the_encoding_that_it_names() {
        for (bytes, text) in [
            (b"\xef\xbb\xbf5 \xe2\x82\xac".as_slice(), "5 €"),
            (b"\xff\xfe5\0 \0\xac\x20", "5 €"),
            (b"<meta charset=windows-1252>5 \x80", "<meta charset=windows-1252>5 €"),
            (b"<meta charset='iso-8859-1'>\xe9", "<meta charset='iso-8859-1'>é"),
            (b"<META content=\"text/html; charset = Latin1\">\xe9", "é"),
            (b"<?xml version='1.0' encoding='ASCII'?>\x97", "—"),
            (b"<meta charset=utf-16>\xc3\xa9", "é"),
            (b"<meta charset=utf-8>\xe9", "é"),
            (b"<p>\xe2\x82\xac", "<p>€"),
            (b"<p>\x93so\x94", "<p>“so”"),
        ] {
            let decoded = decode(bytes).unwrap();
            assert!(decoded.ends_with(text), "{decoded:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_reason() {
        for (bytes, part) in [
            (b"%PDF-1.7\n".as_slice(), "it is a PDF"),
            (b"MZ\x90\0\x03", "a NUL at byte 3"),
            (b"\x01\x02\x03\x04 <p>", "4 control characters"),
        ] {
            match decode(bytes) {
                Err(ReadError::Malformed { reason, .. }) => assert!(reason.contains(part)),
                other => panic!("{other:?}"),
            }
        }
    }
}
