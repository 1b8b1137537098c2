//! Which tools a model may have called.

use std::sync::Arc;

use adapter_models::ScriptedTools;
use adapter_tools::{Calculator, McpSettings};
use engine::ports::Toolbox;

use crate::config::{self, Config, DefaultModel};

/// The tools that are configured. Nothing is started before it is needed.
pub(crate) fn toolboxes(config: &Config) -> Vec<Arc<dyn Toolbox>> {
    let toolbox = |toolbox: &config::Toolbox| -> Option<Arc<dyn Toolbox>> {
        match toolbox {
            config::Toolbox::Calculator => Some(Arc::new(Calculator)),
            config::Toolbox::Scripted => {
                let ledger = match &config.models.default {
                    DefaultModel::Scripted { ledger, .. } => ledger.clone(),
                    DefaultModel::Extractive | DefaultModel::Provider(_) => None,
                };
                Some(Arc::new(ScriptedTools::new(ledger)))
            }
            config::Toolbox::Program(program) => tools_of_program(program),
        }
    };
    config.toolboxes.iter().filter_map(toolbox).collect()
}

#[cfg(feature = "mcp")]
fn tools_of_program(program: &McpSettings) -> Option<Arc<dyn Toolbox>> {
    Some(Arc::new(adapter_tools::McpServer::new(program.clone())))
}

/// The configuration refuses programs in a build that cannot talk to them.
#[cfg(not(feature = "mcp"))]
fn tools_of_program(_: &McpSettings) -> Option<Arc<dyn Toolbox>> {
    None
}
