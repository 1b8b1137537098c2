//! `assay config`: what is in force.

use std::process::ExitCode;

use crate::config::{Config, Origin, Shown};
use crate::render;

pub(super) fn run(config: &Config) -> ExitCode {
    let width = |text: fn(&Shown) -> &str| {
        config.shown().iter().map(|shown| text(shown).chars().count()).max().unwrap_or(0)
    };
    let keys = width(|shown| shown.setting.key);
    let values = width(value);
    for shown in config.shown() {
        let (key, value, origin) = (shown.setting.key, value(shown), shown.origin);
        render::line(&format!("{key:keys$}  {value:values$}  {origin}"));
    }
    for toolbox in &config.toolboxes {
        let key = format!("tools.{}", toolbox.name());
        let value = toolbox.shown();
        render::line(&format!("{key:keys$}  {value:values$}  {}", Origin::File));
    }
    ExitCode::SUCCESS
}

fn value(shown: &Shown) -> &str {
    shown.value.as_deref().unwrap_or("-")
}
