//! What a person sees in a terminal.

mod answer;
mod event;
mod problem;
mod progress;
mod sheet;
mod table;

use std::io::{self, ErrorKind, Write as _};
use std::ops::ControlFlow;

use contracts::Timestamp;

pub(crate) use self::answer::{answer, no_answer};
pub(crate) use self::event::event;
pub(crate) use self::problem::problem;
pub(crate) use self::progress::Progress;
pub(crate) use self::sheet::sheet;
pub(crate) use self::table::Table;

/// Writes a line to standard output. A reader that has gone away, such as `head`, is no error.
pub(crate) fn line(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Writes a line to standard output; breaks if its reader has gone away, which is no error.
///
/// # Errors
/// What else keeps it from being written, such as a full disk.
pub(crate) fn put(text: &str) -> io::Result<ControlFlow<()>> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(error),
    }
}

/// Text that comes from elsewhere, without what would steer a terminal: control characters but
/// line breaks and tabs become U+FFFD.
pub(crate) fn plain(text: &str) -> String {
    let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
    text.replace(steers, "\u{fffd}")
}

/// The same, on one line.
pub(crate) fn one_line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A time to the second.
pub(crate) fn time(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{}Z", text[..19].replace('T', " "))
}

/// A duration as people say it.
pub(crate) fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_elsewhere_does_not_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\r\u{9b}c\n\td"), "a\u{fffd}[31mb\u{fffd}\u{fffd}c\n\td");
        assert_eq!(one_line(" a\n\tb "), "a b");
    }

    #[test]
    fn times_and_durations_are_short() {
        assert_eq!(time(Timestamp::from_millis(1_700_000_000_007)), "2023-11-14 22:13:20Z");
        for (ms, text) in [(0, "0 ms"), (1_250, "1.2 s"), (61_000, "1 min 1 s")] {
            assert_eq!(duration(ms), text);
        }
    }
}
