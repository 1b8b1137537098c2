//! Which tools a model may have called.

use std::sync::Arc;

use adapter_models::ScriptedTools;
use adapter_tools::Calculator;
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
fn tools_of_program(program: &config::Program) -> Option<Arc<dyn Toolbox>> {
    let config::Program { name, command, args, env, allow, timeout, answer_bytes_max, effect } =
        program.clone();
    let settings = adapter_tools::McpSettings {
        name,
        command,
        args,
        env,
        allow,
        timeout,
        answer_bytes_max,
        effect,
    };
    Some(Arc::new(adapter_tools::McpServer::new(settings)))
}

/// The configuration refuses programs in a build that cannot talk to them.
#[cfg(not(feature = "mcp"))]
fn tools_of_program(_: &config::Program) -> Option<Arc<dyn Toolbox>> {
    None
}
