//! `assay conformance`: proves the promises of the contract on a running server, from outside.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use conformance::{Extent, Notice, Settings, SetupError, Verdict};
use indicatif::{ProgressBar, ProgressStyle};

use super::interrupt::Interrupt;
use crate::cli::Conformance;
use crate::config::Config;
use crate::exit::{INTERRUPTED, USAGE, say};
use crate::render;

pub(super) async fn run(args: Conformance, config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, telemetry::ONE_SHOT_FILTER)?;
    let servers = match args.servers {
        named if named.is_empty() => config.server.into_iter().collect(),
        named => named,
    };
    let settings = Settings {
        servers,
        key: config.api_key.map(|key| key.expose().to_owned()),
        only: args.only,
        extent: if args.quick { Extent::Quick } else { Extent::Full },
    };
    let progress = Progress::start();
    let mut interrupt = Interrupt::watch()?;
    let checked = tokio::select! {
        checked = conformance::run(settings, |notice| progress.show(&notice)) => Some(checked),
        () = interrupt.pressed() => None,
    };
    progress.bar.finish_and_clear();
    let report = match checked {
        None => return Ok(ExitCode::from(INTERRUPTED)),
        Some(Err(SetupError::NoServer)) => {
            say("error: name the server: --server URL");
            return Ok(ExitCode::from(USAGE));
        }
        Some(Err(error @ SetupError::UnknownCheck { .. })) => {
            say(&format!("error: {error}"));
            return Ok(ExitCode::from(USAGE));
        }
        Some(checked) => checked?,
    };
    let text = match args.json {
        true => serde_json::to_string_pretty(&report)?,
        false => report.to_string(),
    };
    let _ = render::put(&text)?;
    Ok(if report.has_breach() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What is being checked, on standard error; nothing where that is no terminal.
struct Progress {
    bar: ProgressBar,
    under_way: RefCell<BTreeSet<&'static str>>,
}

impl Progress {
    fn start() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar, under_way: RefCell::default() }
    }

    fn show(&self, notice: &Notice<'_>) {
        let mut under_way = self.under_way.borrow_mut();
        match notice {
            Notice::Begun(name) => drop(under_way.insert(*name)),
            Notice::Ended(outcome, ended, all) => {
                under_way.remove(outcome.name);
                self.bar.set_prefix(format!("{ended}/{all}"));
                if let Verdict::Broken(_) = outcome.verdict {
                    self.bar.println(format!("BROKEN {}: {}", outcome.name, outcome.promise));
                }
            }
        }
        let names: Vec<&str> = under_way.iter().copied().collect();
        self.bar.set_message(format!("{} {}", self.bar.prefix(), names.join(" ")));
    }
}
