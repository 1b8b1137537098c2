//! A limit on what a WebSocket client may send in one message.
//!
//! The decoder behind `actix_ws` checks the size of a frame once all of it has arrived, so a
//! client could have any amount buffered. This reads the length that a frame announces
//! (RFC 6455, 5.2) and refuses before its payload is taken in. A message in fragments (5.4) is
//! refused by the fragment with which it outgrows the limit.

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use futures_util::StreamExt as _;

/// Bytes that a client may send in one message, in however many frames.
pub(crate) const MESSAGE_BYTES_MAX: u64 = 64 * 1024;
/// What a fragment counts at least: about what it costs to keep until its message is whole.
const FRAGMENT_BYTES_MIN: u64 = 64;

/// The payload, up to the first message that is too big; [`PayloadError::Overflow`] then.
pub(crate) fn limited(payload: Payload) -> Payload {
    let mut frames = Frames::default();
    let checked = payload.map(move |bytes| {
        let bytes = bytes?;
        if frames.advance(&bytes) { Ok(bytes) } else { Err(PayloadError::Overflow) }
    });
    Payload::Stream { payload: Box::pin(checked) }
}

/// Where in the sequence of frames a client's bytes are.
#[derive(Default)]
struct Frames {
    /// The head of the current frame, as far as it has arrived: at most 10 bytes of kind and
    /// length, and 4 of mask.
    head: [u8; 14],
    head_bytes: usize,
    /// Bytes of the current frame's payload that are still to come.
    payload_left: u64,
    /// Bytes of the fragments of a message that goes on.
    message_bytes: u64,
}

impl Frames {
    /// Takes the next bytes. False once a frame announces more than its message may have.
    fn advance(&mut self, mut bytes: &[u8]) -> bool {
        while let [first, rest @ ..] = bytes {
            if self.payload_left > 0 {
                let here = self.payload_left.min(bytes.len() as u64);
                self.payload_left -= here;
                bytes = &bytes[here as usize..];
                continue;
            }
            self.head[self.head_bytes] = *first;
            self.head_bytes += 1;
            bytes = rest;
            if let Some(length) = self.announced() {
                if !self.count(length) {
                    return false;
                }
                self.payload_left = length;
                self.head_bytes = 0;
            }
        }
        true
    }

    /// Counts a frame for its message. False if that has become too big.
    fn count(&mut self, length: u64) -> bool {
        let (is_last, is_control) = (self.head[0] & 0x80 != 0, self.head[0] & 0x08 != 0);
        // Control frames may stand between the fragments of a message.
        if is_control {
            return length <= MESSAGE_BYTES_MAX;
        }
        let message_bytes = self.message_bytes.saturating_add(length);
        self.message_bytes = match is_last {
            true => 0,
            false => self.message_bytes.saturating_add(length.max(FRAGMENT_BYTES_MIN)),
        };
        message_bytes.max(self.message_bytes) <= MESSAGE_BYTES_MAX
    }

    /// The length of the payload, once the head is complete.
    fn announced(&self) -> Option<u64> {
        let head = &self.head[..self.head_bytes];
        let (mask, short) = head.get(1).map(|byte| (byte & 0x80 != 0, byte & 0x7f))?;
        let extended = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if head.len() < 2 + extended + if mask { 4 } else { 0 } {
            return None;
        }
        let number = head[2..2 + extended].iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        Some(if extended == 0 { u64::from(short) } else { number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A masked frame as a client sends it.
    fn frame(length: usize) -> Vec<u8> {
        let mut bytes = vec![0x81];
        match length {
            0..=125 => bytes.push(0x80 | length as u8),
            126..=0xffff => {
                bytes.push(0x80 | 126);
                bytes.extend((length as u16).to_be_bytes());
            }
            _ => {
                bytes.push(0x80 | 127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend([1, 2, 3, 4]);
        bytes.resize(bytes.len() + length, 0xff);
        bytes
    }

    fn fragment(length: usize) -> Vec<u8> {
        let mut bytes = frame(length);
        bytes[0] = 0x01;
        bytes
    }

    fn last(length: usize) -> Vec<u8> {
        let mut bytes = frame(length);
        bytes[0] = 0x80;
        bytes
    }

    fn ping() -> Vec<u8> {
        let mut bytes = frame(100);
        bytes[0] = 0x89;
        bytes
    }

    #[test]
    fn empty_fragments_do_not_go_on_for_ever() {
        let mut frames = Frames::default();
        assert!(!(0..2_000).all(|_| frames.advance(&fragment(0))));
    }

    proptest! {
        #[test]
        fn frames_within_the_limit_pass_however_they_are_cut(
            lengths in proptest::collection::vec(
                prop_oneof![0_usize..300, Just(0xffff), Just(0x1_0000)], 1..4),
            piece in 1_usize..5_000,
        ) {
            let bytes: Vec<u8> = lengths.into_iter().flat_map(frame).collect();
            let mut frames = Frames::default();
            prop_assert!(bytes.chunks(piece).all(|piece| frames.advance(piece)));
        }

        #[test]
        fn a_message_in_fragments_passes_up_to_the_limit_with_pings_in_between(
            fragments in 1_u64..1_000, piece in 1_usize..5_000,
        ) {
            let length = (MESSAGE_BYTES_MAX / fragments).max(FRAGMENT_BYTES_MIN) as usize;
            let fragment = [fragment(length), ping()].concat();
            let mut bytes = fragment.repeat(fragments as usize - 1);
            let whole = [&bytes[..], &last(length)].concat();
            let mut frames = Frames::default();
            prop_assert!(whole.repeat(3).chunks(piece).all(|piece| frames.advance(piece)));
            let before = length * (fragments as usize - 1);
            bytes.extend(self::fragment(MESSAGE_BYTES_MAX as usize - before + 1));
            let mut frames = Frames::default();
            prop_assert!(!bytes.chunks(piece).all(|piece| frames.advance(piece)));
        }

        #[test]
        fn a_frame_over_the_limit_is_refused_by_its_head(
            before in 0_usize..300, length in 0x1_0001_u64..u64::MAX, piece in 1_usize..20,
        ) {
            let mut bytes = frame(before);
            bytes.extend([0x82, 0x80 | 127]);
            bytes.extend(length.to_be_bytes());
            bytes.extend([0; 4]);
            let mut frames = Frames::default();
            prop_assert!(!bytes.chunks(piece).all(|piece| frames.advance(piece)));
        }
    }
}
