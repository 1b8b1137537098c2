//! `cargo xtask test`: every check, in order, up to the first that fails.

mod check;
mod clients;
mod command;
mod failures;
mod figures;
mod programs;
mod readme;
mod tally;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;

use check::Check;
use tally::Tally;

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Search longer: 20 times as many cases for each property, and the proofs of the fleet at
    /// full length, whose figures go into docs/reliability.md.
    #[arg(long)]
    long: bool,
    /// Only this check.
    #[arg(long, value_name = "CHECK")]
    only: Option<Check>,
}

/// How a check ended, if it did not fail to run.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    /// It could not be made here.
    Skipped {
        reason: String,
    },
    /// Something is wrong with the checkout.
    Failed {
        problem: String,
        /// What to do about it.
        advice: String,
    },
}

/// What the checks share.
struct Surroundings<'a> {
    root: PathBuf,
    /// Where tests say that they skipped themselves, a line each: `test name: reason`.
    skips: PathBuf,
    /// Where proofs say what they measured, a line each: `name: value`.
    figures: PathBuf,
    /// The home of whatever the README's command keeps.
    data_home: PathBuf,
    long: bool,
    tally: Tally,
    out: &'a mut dyn Write,
}

/// Makes the checks, and ends with a line `N passed, N failed, N skipped` that counts tests, and
/// checks that failed or were skipped.
///
/// # Errors
/// What keeps the checks from being made: a program that cannot be started, a full disk. What the
/// checks find is no error of this function; the exit code tells.
pub(crate) fn run(args: &TestArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let long = args.long || args.only.is_some_and(Check::is_long);
    let all = Check::ALL.into_iter().filter(|check| long || !check.is_long());
    let checks: Vec<Check> = args.only.map_or_else(|| all.collect(), |only| vec![only]);
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let mut around = Surroundings {
        root: crate::repository().canonicalize().context("the checkout is gone")?,
        skips: folder.path().join("skipped"),
        figures: folder.path().join("figures"),
        data_home: folder.path().join("data"),
        long,
        tally: Tally::default(),
        out,
    };
    let failure = make(&checks, &mut around)?;
    let Surroundings { skips, mut tally, out, .. } = around;
    tally.read_skips(&skips)?;
    write!(out, "\n{tally}")?;
    if let Some((check, advice)) = failure {
        writeln!(out, "\n{check} failed: {advice}")?;
        writeln!(out, "again: cargo xtask test --only {check}")?;
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes `checks` up to the first that fails: that one, and what to do about it.
fn make(
    checks: &[Check],
    around: &mut Surroundings<'_>,
) -> anyhow::Result<Option<(Check, String)>> {
    for check in checks {
        writeln!(around.out, "==> {check}: {}", check.promise())?;
        around.out.flush()?;
        let begun = Instant::now();
        let verdict = check.make(around).with_context(|| format!("{check} could not be made"))?;
        let seconds = begun.elapsed().as_secs_f64();
        match verdict {
            Verdict::Passed => writeln!(around.out, "<== {check}: passed, {seconds:.1} s\n")?,
            Verdict::Skipped { reason } => {
                writeln!(around.out, "<== {check}: skipped, {reason}\n")?;
                around.tally.skip_check(format!("{check}: {reason}"));
            }
            Verdict::Failed { problem, advice } => {
                writeln!(around.out, "<== {check}: FAILED, {seconds:.1} s: {problem}")?;
                around.tally.fail_check();
                return Ok(Some((*check, advice)));
            }
        }
    }
    Ok(None)
}

/// A command for the checkout.
fn at(root: &Path, program: &str) -> std::process::Command {
    let mut command = std::process::Command::new(program);
    command.current_dir(root);
    command
}
