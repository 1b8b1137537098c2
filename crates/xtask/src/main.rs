//! The project's chores: `cargo xtask test` proves a checkout, `cargo xtask eval` measures its
//! retrieval, `cargo xtask bench` its speed.

mod bench;
mod eval;
mod layering;
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
}

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().chore {
        Chore::Test(args) => suite::run(&args, &mut std::io::stdout()),
        Chore::Eval(args) => eval::run(&args),
        Chore::Bench(args) => bench::run(&args),
    }
}

/// The checkout that this program was built from.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
