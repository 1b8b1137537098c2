//! The project's chores: `cargo xtask test` proves a checkout, `cargo xtask manifests` what is in
//! deploy/kubernetes, `cargo xtask observability` the alerts and the dashboard; `cargo xtask eval`
//! measures retrieval, `cargo xtask bench` speed, and `cargo xtask freeze` keeps what the former
//! release must find.

mod bench;
mod eval;
mod freeze;
mod layering;
mod manifests;
#[cfg(test)]
mod misspelling;
mod observability;
mod packages;
mod suite;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's chores.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Checks everything: form, lints, documentation, layering, licences, tests, and the first
    /// command of the README.
    Test(suite::TestArgs),
    /// Measures how often, and how high, retrieval finds the pages that hold the answers.
    Eval(eval::EvalArgs),
    /// Measures how many submissions, or jobs, a system takes a second: embedded and as a fleet.
    Bench(bench::BenchArgs),
    /// Renders what is in deploy/kubernetes and checks all of it.
    Manifests(manifests::ManifestsArgs),
    /// Checks the alerts, the dashboard and what else is in deploy/observability.
    Observability(observability::ObservabilityArgs),
    /// Keeps the statements of the former release for the tests that run them on this one's schema.
    Freeze(freeze::FreezeArgs),
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().chore {
        Chore::Test(args) => suite::run(&args, &mut std::io::stdout()),
        Chore::Eval(args) => eval::run(&args),
        Chore::Bench(args) => bench::run(&args),
        Chore::Manifests(args) => manifests::run(&args, &mut std::io::stdout()),
        Chore::Observability(args) => observability::run(&args, &mut std::io::stdout()),
        Chore::Freeze(args) => freeze::run(&args, &mut std::io::stdout()),
    }
}

/// The checkout that this program was built from.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Says that a test did not run, and why, where `cargo xtask test` looks for it.
#[cfg(test)]
fn skip(test: &str, reason: &str) {
    use std::io::Write as _;

    let Some(file) = std::env::var_os("ASSAY_TEST_SKIPS") else { return };
    let file = std::fs::File::options().create(true).append(true).open(file);
    let line = format!("{test}: {}\n", reason.lines().next().unwrap_or_default());
    file.and_then(|mut file| file.write_all(line.as_bytes())).unwrap();
}
