//! What the end of a child says about its document, where it left no answer.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use engine::ports::ReadError;
use rustix::process::Signal;

use super::request::Request;

/// Characters of what a child said that are shown.
const BRIEF_CHARS_MAX: usize = 300;

/// What Rust's standard library says before it aborts for want of memory.
const OUT_OF_MEMORY: &str = "memory allocation of ";

/// Sent by persons, by what supervises processes, and by a kernel that has run out of memory.
///
/// A child that has taken more than it may ends by itself. If the kernel ends it earlier, then the
/// machine has less than what every document was promised; so that is not the document's fault,
/// and another try may find more. Who tries again counts the tries, so that a machine that is too
/// small for its limits does not read the same document for ever.
const FROM_OUTSIDE: [Signal; 5] =
    [Signal::KILL, Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT];

/// Why a child ended without an answer, given the end of what it wrote to standard error.
pub(super) fn reason(status: ExitStatus, said: &str, request: &Request) -> ReadError {
    let last_line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let Some(signal) = status.signal().and_then(Signal::from_named_raw) else {
        return ReadError::Crashed(brief(&format!("no answer, {status}: {last_line}")));
    };
    if signal == Signal::XCPU {
        return request.too_slow();
    }
    if signal == Signal::ABORT && said.lines().any(|line| line.starts_with(OUT_OF_MEMORY)) {
        return request.too_much_memory();
    }
    if FROM_OUTSIDE.contains(&signal) {
        return ReadError::Unavailable(format!("it was ended from outside, {status}"));
    }
    ReadError::Crashed(brief(&format!("{status}: {last_line}")))
}

/// The first line of a text, or as much of it as is shown.
pub(super) fn brief(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(BRIEF_CHARS_MAX).collect()
}
