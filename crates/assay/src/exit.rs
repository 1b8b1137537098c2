//! How the process ends.

use std::io::Write as _;
use std::process::ExitCode;

use crate::config::ConfigError;

/// The command was called wrongly; clap's own code.
pub const USAGE: u8 = 2;
/// The configuration is wrong (`EX_USAGE` of sysexits.h).
const CONFIGURATION: u8 = 64;
/// The process cannot go on, and another one in its place can (`EX_SOFTWARE` of sysexits.h).
const BROKEN: u8 = 70;
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

/// Ends the process at once, whatever else it is doing: there is nothing left that could stop it in
/// order. What it had taken on goes on elsewhere.
pub fn broken() -> ! {
    std::process::exit(BROKEN.into())
}

/// Writes a line to standard error. Nobody is left to tell if that fails.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
