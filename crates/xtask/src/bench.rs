//! `cargo xtask bench`: how much a system takes.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use clap::{Args, value_parser};

/// What to measure.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// `submit`: until a job is accepted; `jobs`: until it has ended; `telemetry`: what it costs,
    /// in pairs.
    #[arg(value_parser = PossibleValuesParser::new(["submit", "jobs", "telemetry"]))]
    load: String,
    /// Seconds of each measurement.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Clients at a time, a measurement each [default: 1,32].
    #[arg(long, value_name = "N,…")]
    clients: Option<String>,
    /// Pairs of measurements of what telemetry costs [default: 5].
    #[arg(long, value_name = "N")]
    pairs: Option<u32>,
    /// The program without telemetry, in such pairs: that of the former release, say [default: the
    /// same].
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Prints JSON instead of a table, alone on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs the load generator against the program, both in the release profile. Its report is this
/// program's stdout; progress is on stderr.
///
/// # Errors
/// If cargo cannot be started.
pub(crate) fn run(args: &BenchArgs) -> anyhow::Result<ExitCode> {
    let root = crate::repository().canonicalize().context("the checkout is gone")?;
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&root).args(arguments).stdin(Stdio::null());
        cargo
    };
    // The generator looks for the program beside itself.
    let mut build =
        cargo(&["build", "--release", "--locked", "--package", "assay", "--package", "load"]);
    build.args(["--features", "assay/fleet"]);
    // It is a tool of its own, because this one may use none of our crates.
    let mut load = cargo(&["run", "--release", "--locked", "--package", "load", "--"]);
    load.arg(&args.load).arg("--seconds").arg(args.seconds.to_string());
    load.args(args.clients.iter().flat_map(|clients| ["--clients", clients]));
    load.args(args.pairs.iter().flat_map(|pairs| ["--pairs".to_owned(), pairs.to_string()]));
    if let Some(baseline) = &args.baseline {
        load.arg("--baseline").arg(baseline);
    }
    load.args(args.json.then_some("--json"));
    for mut command in [build, load] {
        if !command.status().context("cargo cannot be started")?.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
