//! Reading server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>),
//! bounded in memory: ours, and those of the providers of language models.

use std::collections::VecDeque;

/// Bytes of one message at the most: far more than an event of ours may have, or a piece of a
/// model's answer.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// A message that carries data. Comments and empty messages are passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The `id:` that stands in this message. What a browser would remember from an earlier one
    /// is left out: a frame without an id of its own is about the stream, and not in the log.
    pub id: Option<String>,
    /// The data, its lines joined by line feeds.
    pub data: String,
}

/// The stream is none that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// A message is larger than any should be.
    #[error("a message has more than {MESSAGE_BYTES_MAX} bytes")]
    TooLarge,
    /// A line is not UTF-8.
    #[error("a line is not UTF-8")]
    NotUtf8,
}

/// Takes a stream in pieces of any size and gives its messages.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    after_carriage_return: bool,
    is_past_first_line: bool,
    id: Option<String>,
    data: Option<String>,
    messages: VecDeque<Message>,
}

impl Parser {
    /// Whether no message is complete.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The next complete message.
    pub fn next_message(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`SseError`]; the stream cannot be read any further then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        for &byte in bytes {
            let follows_return = std::mem::replace(&mut self.after_carriage_return, byte == b'\r');
            match byte {
                b'\n' if follows_return => {}
                b'\r' | b'\n' => self.end_line()?,
                _ => {
                    self.line.push(byte);
                    let data = self.data.as_ref().map_or(0, String::len);
                    if self.line.len() + data > MESSAGE_BYTES_MAX {
                        return Err(SseError::TooLarge);
                    }
                }
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), SseError> {
        let line = std::mem::take(&mut self.line);
        let line = std::str::from_utf8(&line).map_err(|_| SseError::NotUtf8)?;
        let line = match std::mem::replace(&mut self.is_past_first_line, true) {
            true => line,
            false => line.strip_prefix('\u{feff}').unwrap_or(line),
        };
        if line.is_empty() {
            let (id, data) = (self.id.take(), self.data.take());
            self.messages.extend(data.map(|data| Message { id, data }));
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // Comments, names, the wait for browsers, and what is still to be invented.
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<Message> {
        let mut parser = Parser::default();
        parser.push(text.as_bytes()).unwrap();
        std::iter::from_fn(|| parser.next_message()).collect()
    }

    fn message(id: Option<&str>, data: &str) -> Message {
        Message { id: id.map(str::to_owned), data: data.to_owned() }
    }

    #[test]
    fn comments_names_and_unfinished_messages_are_passed_over() {
        let text = "\u{feff}retry: 2000\n\n:\n\nid: 7\nevent: x\ndata: a\ndata:b\n\nid: 8\ndata: c";
        assert_eq!(read(text), [message(Some("7"), "a\nb")]);
    }

    #[test]
    fn an_id_counts_for_its_own_message_alone() {
        let text = "id: 1\ndata: a\n\ndata: b\n\nid: 2\n\ndata: c\n\n";
        assert_eq!(read(text), [message(Some("1"), "a"), message(None, "b"), message(None, "c")]);
    }

    #[test]
    fn an_endless_message_is_refused() {
        let mut parser = Parser::default();
        let line = format!("data: {}\n", "x".repeat(1_000));
        let pushed = (0..2_000).try_for_each(|_| parser.push(line.as_bytes()));
        assert_eq!(pushed, Err(SseError::TooLarge));
    }

    proptest! {
        #[test]
        fn messages_are_the_same_however_the_stream_is_cut_and_its_lines_end(
            sent in proptest::collection::vec(("[0-9]{1,3}", "[^\r\n]{1,40}"), 0..8),
            ending in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
            piece in 1_usize..20,
        ) {
            let mut text = String::new();
            for (id, data) in &sent {
                text.push_str(&format!("id: {id}{ending}:{ending}data: {data}{ending}{ending}"));
            }
            let mut parser = Parser::default();
            for piece in text.as_bytes().chunks(piece) {
                parser.push(piece).unwrap();
            }
            let got: Vec<Message> = std::iter::from_fn(|| parser.next_message()).collect();
            let sent: Vec<Message> =
                sent.iter().map(|(id, data)| message(Some(id), data)).collect();
            prop_assert_eq!(got, sent);
        }
    }
}
