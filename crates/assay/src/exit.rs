//! How the process ends.

use std::io::Write as _;
use std::process::ExitCode;

use crate::config::ConfigError;

/// The command was called wrongly; clap's own code.
pub const USAGE: u8 = 2;
/// The configuration is wrong (`EX_USAGE` of sysexits.h).
const CONFIGURATION: u8 = 64;
/// Interrupted from the keyboard: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// Reports what is wrong with the configuration.
#[must_use]
pub fn configuration(errors: &[ConfigError]) -> ExitCode {
    for error in errors {
        say(&format!("error: {error}"));
    }
    ExitCode::from(CONFIGURATION)
}

/// Reports an error with all that led to it.
#[must_use]
pub fn failure(error: &anyhow::Error) -> ExitCode {
    say(&format!("error: {error:#}"));
    ExitCode::FAILURE
}

/// Writes a line to standard error. Nobody is left to tell if that fails.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
