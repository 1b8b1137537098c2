//! Running a program while showing what it prints.

use std::io::{BufRead as _, BufReader, Write};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::Context as _;

/// Runs `command`, passes on what it prints, and hands each line of its stdout to `each_line`.
///
/// Its stderr is ours, so that cargo shows its progress on a terminal.
///
/// # Errors
/// The program cannot be started or read from. Its own failure is in the status.
pub(super) fn run(
    command: &mut Command,
    out: &mut dyn Write,
    each_line: &mut dyn FnMut(&str),
) -> anyhow::Result<ExitStatus> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{name} cannot be started"))?;
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            out.write_all(&line)?;
            out.flush()?;
            each_line(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    }
    child.wait().with_context(|| format!("{name} was lost"))
}
