//! `cargo xtask observability`: what looks at a fleet, in deploy/observability, is held to what is
//! measured, to its runbooks, and to the forms that others read it in.

pub(crate) mod alerts;
mod collector;
mod dashboard;
mod metrics;
mod prometheus;
mod promtool;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::Value;

use collector::Collector;
use dashboard::Dashboard;
use metrics::Metrics;
use prometheus::{Dashboards, Prometheus, Sources};
use promtool::Promtool;

/// What to do beside checking.
#[derive(Debug, Args)]
pub(crate) struct ObservabilityArgs {
    /// First makes what the Prometheus Operator is given from deploy/observability/alerts.yaml.
    #[arg(long)]
    write: bool,
}

/// What was found.
pub(crate) struct Checked {
    /// A line or two each.
    pub(crate) findings: Vec<String>,
    /// Why promtool was not asked, if it was not.
    pub(crate) unasked: Option<String>,
}

/// Checks everything, and prints what is wrong.
///
/// # Errors
/// What keeps the check from being made. What it finds is in the exit code.
pub(crate) fn run(args: &ObservabilityArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let root = crate::repository().canonicalize().context("the checkout is gone")?;
    if args.write {
        let object = alerts::object(&read(&root, alerts::FILE)?);
        fs::write(root.join(alerts::OBJECT), object).context(alerts::OBJECT)?;
    }
    let Checked { findings, unasked } = check(&root)?;
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    if let Some(reason) = unasked {
        writeln!(out, "not asked: {reason}")?;
    }
    writeln!(out, "{} findings", findings.len())?;
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks everything beneath `root`.
///
/// # Errors
/// If a file cannot be read, or promtool cannot be run though it is there.
pub(crate) fn check(root: &Path) -> anyhow::Result<Checked> {
    let mut findings = Vec::new();
    let metrics = Metrics::of(&read(root, metrics::PAGE)?);
    let text = read(root, alerts::FILE)?;
    match parse::<alerts::Rules>(alerts::FILE, &text) {
        Ok(rules) => {
            let (page, tests) = (read(root, alerts::PAGE)?, read(root, alerts::TESTS)?);
            findings.extend(alerts::findings(&rules, &metrics, &page, &tests));
        }
        Err(finding) => findings.push(finding),
    }
    if read(root, alerts::OBJECT)? != alerts::object(&text) {
        let how = "cargo xtask observability --write";
        findings.push(format!("{}: it is not {}: {how}", alerts::OBJECT, alerts::FILE));
    }
    findings.extend(configurations(root)?);
    let mut expressions = Vec::new();
    match serde_json::from_str::<Dashboard>(&read(root, dashboard::FILE)?) {
        Ok(dashboard) => {
            findings.extend(dashboard.findings(&metrics));
            expressions.extend(dashboard.expressions().map(str::to_owned));
        }
        Err(error) => findings.push(format!("{}: {error}", dashboard::FILE)),
    }
    let unasked = match Promtool::find() {
        Some(promtool) => {
            findings.extend(promtool.findings(root, &expressions)?);
            None
        }
        None => Some("promtool is not installed (Debian: apt-get install prometheus)".to_owned()),
    };
    Ok(Checked { findings, unasked })
}

/// What is wrong with the files that other programs are told by.
fn configurations(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for file in [collector::COLLECTOR, collector::JAEGER] {
        found.extend(match parse::<Collector>(file, &read(root, file)?) {
            Ok(collector) => collector.findings(file),
            Err(finding) => vec![finding],
        });
    }
    let file = prometheus::PROMETHEUS;
    found.extend(match parse::<Prometheus>(file, &read(root, file)?) {
        Ok(prometheus) => prometheus.findings(),
        Err(finding) => vec![finding],
    });
    let file = prometheus::SOURCES;
    found.extend(parse::<Sources>(file, &read(root, file)?).err());
    let file = prometheus::DASHBOARDS;
    found.extend(parse::<Dashboards>(file, &read(root, file)?).err());
    Ok(found)
}

/// A file of the checkout.
fn read(root: &Path, file: &str) -> anyhow::Result<String> {
    fs::read_to_string(root.join(file)).with_context(|| file.to_owned())
}

/// Reads a file of YAML strictly, or says what is wrong with it. By way of JSON, because what is a
/// map with one field to other programs is a tag to a reader of YAML.
fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, String> {
    let value: Value = serde_norway::from_str(text).map_err(|error| format!("{file}: {error}"))?;
    T::deserialize(value).map_err(|error| format!("{file}: {error}"))
}
