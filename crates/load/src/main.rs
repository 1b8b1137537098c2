//! A closed-loop load generator: what `cargo xtask bench` runs.
//!
//! It starts the real program as processes, over servers of its own, and asks them over HTTP on
//! the loopback interface. In a closed loop each client waits for its answer before it asks again,
//! so the load follows what the system can do, and latencies are those of that load.

mod client;
mod closed_loop;
mod pairs;
mod process;
mod report;
mod system;

use std::io::{Write as _, stdout};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use self::client::Client;
use self::closed_loop::closed_loop;
use self::pairs::Pairs;
use self::report::{Report, Row};
use self::system::{Layout, Program, System};

/// What comes before the measurement, so that connections stand and caches are warm.
const WARM_UP: Duration = Duration::from_secs(1);

/// How many submissions, or jobs, a system takes a second.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask bench")]
struct Args {
    /// What to measure
    load: Load,
    /// Seconds of each measurement
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Clients at a time, a measurement each
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_values_t = [1, 32],
          value_parser = clap::value_parser!(u32).range(1..=1_024))]
    clients: Vec<u32>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// The program to measure [default: `assay` beside this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Pairs of measurements of what telemetry costs
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
    /// The program that sends nothing, in such pairs [default: the one to measure]
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
}

/// What a client does again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Load {
    /// Submits a job: until its 202
    Submit,
    /// Submits a job, and waits for its end
    Jobs,
    /// The same, of two systems in turn, of which one has telemetry
    Telemetry,
}

impl Load {
    const fn name(self) -> &'static str {
        match self {
            Self::Submit => "submissions",
            Self::Jobs | Self::Telemetry => "jobs",
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let program = Program::at(args.program.clone())?;
    if args.load == Load::Telemetry {
        return pairs(&program, &args).await;
    }
    let mut report = Report::new(args.load.name(), args.seconds);
    for layout in Layout::ALL {
        for clients in &args.clients {
            match measure(&program, &args, layout, *clients).await? {
                Some(row) => report.rows.push(row),
                None => report.absent.push(layout.name()),
            }
        }
    }
    report.absent.dedup();
    let mut out = stdout().lock();
    if args.json {
        writeln!(out, "{:#}", report.to_json())?;
    } else {
        write!(out, "{report}")?;
    }
    out.flush().context("stdout is closed")
}

/// Measures what telemetry costs.
async fn pairs(program: &Program, args: &Args) -> anyhow::Result<()> {
    let bar = progress(format!("telemetry, {} pairs", args.pairs));
    let baseline = args.baseline.clone().map(|path| Program::at(Some(path))).transpose()?;
    let without = baseline.as_ref().unwrap_or(program);
    let measured = Pairs::measure(without, program, args.pairs, args.seconds).await?;
    bar.finish_and_clear();
    let measured = measured.context("not measured: PostgreSQL or RabbitMQ is not here")?;
    let mut out = stdout().lock();
    if args.json {
        writeln!(out, "{:#}", measured.to_json())?;
    } else {
        write!(out, "{measured}")?;
    }
    out.flush().context("stdout is closed")
}

/// Measures one system under one load; `None` if a server that it needs is not here.
async fn measure(
    program: &Program,
    args: &Args,
    layout: Layout,
    clients: u32,
) -> anyhow::Result<Option<Row>> {
    let bar = progress(format!("{}, {clients} clients", layout.name()));
    let Some(system) = System::start(program, layout, &[]).await? else { return Ok(None) };
    let client = Client::of(system.gateway());
    let ask = || async {
        match args.load {
            Load::Submit => client.submit().await,
            Load::Jobs | Load::Telemetry => client.run().await,
        }
    };
    closed_loop(clients, WARM_UP, ask).await?;
    let sample = closed_loop(clients, Duration::from_secs(args.seconds), ask).await?;
    bar.finish_and_clear();
    Ok(Some(Row { system: layout.name(), clients, sample }))
}

/// What is being measured, on standard error; nothing where that is no terminal.
fn progress(what: String) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
