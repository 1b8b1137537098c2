//! `assay doctor`: whether everything is there and in order, and what to do where it is not.

use std::process::ExitCode;

use console::Style;
use serde::Serialize;

use crate::cli::Doctor;
use crate::config::Config;
use crate::doctor::{self, Finding, Verdict};
use crate::render;

#[derive(Serialize)]
struct Report {
    ok: bool,
    findings: Vec<Finding>,
}

pub(super) async fn run(args: Doctor, config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, "off")?;
    let findings = doctor::examine(&config).await;
    let ok = findings.iter().all(|finding| finding.verdict != Verdict::Fail);
    if args.json {
        render::line(&serde_json::to_string_pretty(&Report { ok, findings })?);
    } else {
        show(&findings);
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(findings: &[Finding]) {
    let width = findings.iter().map(|finding| finding.what.chars().count()).max().unwrap_or(0);
    for Finding { what, verdict, seen, advice } in findings {
        let (word, style) = match verdict {
            Verdict::Ok => ("ok  ", Style::new().green()),
            Verdict::Warn => ("warn", Style::new().yellow()),
            Verdict::Fail => ("fail", Style::new().red().bold()),
        };
        let (what, seen) = (render::one_line(what), render::one_line(seen));
        render::line(&format!("{what:width$}  {}  {seen}", style.apply_to(word)));
        if let Some(advice) = advice {
            render::line(&format!("{:width$}        {}", "", Style::new().dim().apply_to(advice)));
        }
    }
}
