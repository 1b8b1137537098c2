//! `assay config`: what is in force.

use std::process::ExitCode;

use crate::config::{Config, Shown};
use crate::render;

pub(super) fn run(config: &Config) -> ExitCode {
    let width = |text: fn(&Shown) -> &str| {
        config.shown().iter().map(|shown| text(shown).chars().count()).max().unwrap_or(0)
    };
    let keys = width(|shown| &shown.key);
    let values = width(value);
    for shown in config.shown() {
        let (key, value, origin) = (&shown.key, value(shown), shown.origin);
        render::line(&format!("{key:keys$}  {value:values$}  {origin}"));
    }
    ExitCode::SUCCESS
}

fn value(shown: &Shown) -> &str {
    shown.value.as_deref().unwrap_or("-")
}
