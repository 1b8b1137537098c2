//! Bytes to characters, and whether they are text at all.

use engine::ports::ReadError;

/// One damaged byte in so many is forgiven: a stray character, not another encoding.
const DAMAGED_ONE_IN: usize = 1_000;
/// One control character in so many is forgiven.
const CONTROL_ONE_IN: usize = 100;

/// Reads UTF-8, or UTF-16 that says so with a byte order mark.
///
/// # Errors
/// [`ReadError::Malformed`], which says where, if the bytes are of another kind.
pub(super) fn decode(bytes: &[u8]) -> Result<String, ReadError> {
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => decode_utf8(rest),
        [0xff, 0xfe, rest @ ..] => decode_utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => decode_utf16(rest, u16::from_be_bytes),
        _ => decode_utf8(bytes),
    }?;
    check_controls(&text)?;
    Ok(text)
}

fn decode_utf8(bytes: &[u8]) -> Result<String, ReadError> {
    if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
        return Err(ReadError::malformed("text", format!("a NUL at byte {offset}")));
    }
    let mut text = String::with_capacity(bytes.len());
    let mut damage = Damage::default();
    let mut offset = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        offset += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            damage.add(offset, chunk.invalid().len());
            offset += chunk.invalid().len();
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    damage.check(bytes.len(), "UTF-8")?;
    Ok(text)
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, ReadError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    let mut damage = Damage::default();
    let mut offset = 0;
    for decoded in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match decoded {
            Ok('\0') => {
                return Err(ReadError::malformed("text", format!("a NUL at byte {offset}")));
            }
            Ok(c) => {
                text.push(c);
                offset += 2 * c.len_utf16();
            }
            Err(_) => {
                damage.add(offset, 2);
                text.push(char::REPLACEMENT_CHARACTER);
                offset += 2;
            }
        }
    }
    if !rest.is_empty() {
        damage.add(offset, rest.len());
    }
    damage.check(bytes.len(), "UTF-16")?;
    Ok(text)
}

fn check_controls(text: &str) -> Result<(), ReadError> {
    let mut controls = Damage::default();
    for (offset, c) in text.char_indices() {
        if c.is_control() && !matches!(c, '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | '\u{85}') {
            controls.add(offset, c.len_utf8());
        }
    }
    match controls.first {
        Some(first) if controls.bytes > text.len() / CONTROL_ONE_IN => {
            let count = controls.bytes;
            let what = format!("{count} bytes of control characters, the first at byte {first}");
            Err(ReadError::malformed("text", what))
        }
        Some(_) | None => Ok(()),
    }
}

/// Bytes that do not belong.
#[derive(Default)]
struct Damage {
    first: Option<usize>,
    bytes: usize,
}

impl Damage {
    fn add(&mut self, offset: usize, bytes: usize) {
        self.first.get_or_insert(offset);
        self.bytes += bytes;
    }

    fn check(&self, of: usize, encoding: &str) -> Result<(), ReadError> {
        match self.first {
            Some(first) if self.bytes > of / DAMAGED_ONE_IN => {
                let bytes = self.bytes;
                let what = format!("{bytes} bytes that are not {encoding}, the first at {first}");
                Err(ReadError::malformed("text", what))
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use engine::ports::ReadError;

    use super::decode;

    #[test]
    fn a_byte_order_mark_names_the_encoding_and_is_dropped() {
        let utf16 = |to_bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}Umsatz 5 €".encode_utf16().flat_map(to_bytes).collect()
        };
        for bytes in [
            b"\xef\xbb\xbfUmsatz 5 \xe2\x82\xac".to_vec(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
        ] {
            assert_eq!(decode(&bytes).unwrap(), "Umsatz 5 €");
        }
    }

    #[test]
    fn binary_rubbish_is_refused_with_its_place() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        let latin1 = "r\u{e9}sum\u{e9} ".repeat(9).chars().map(|c| c as u8).collect::<Vec<_>>();
        let escapes = b"abc \x1b[0m\x1b[1m\x1b[0m".to_vec();
        for (bytes, place) in [
            (png.to_vec(), "a NUL at byte 8"),
            (latin1, "not UTF-8, the first at 1"),
            (escapes, "the first at byte 4"),
            (b"\xff\xfea\0\0\0".to_vec(), "a NUL at byte 2"),
        ] {
            match decode(&bytes) {
                Err(ReadError::Malformed { reason: what, .. }) => {
                    assert!(what.contains(place), "{what}")
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_stray_damaged_byte_is_forgiven() {
        let mut bytes = b"Net sales rose. ".repeat(100);
        bytes[3] = 0x96;
        assert!(decode(&bytes).unwrap().starts_with("Net\u{fffd}sales"));
    }
}
