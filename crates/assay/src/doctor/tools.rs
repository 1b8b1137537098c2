use std::time::Duration;

use contracts::JobId;
use engine::ports::{CallContext, Toolbox};
use futures_util::future::join_all;

use super::Finding;
use crate::config::Config;
use crate::tools;

/// To start, and to say what there is.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Names of tools that are shown.
const SHOWN_MAX: usize = 8;

/// Whether the tools are there that models may have called. None of them is called.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let toolboxes = tools::toolboxes(config);
    join_all(toolboxes.iter().map(|toolbox| offered(toolbox.as_ref()))).await
}

async fn offered(toolbox: &dyn Toolbox) -> Finding {
    let what = format!("tools {}", toolbox.name());
    let call = CallContext { job_id: JobId::new(), attempt: 1, failures: 0, left: ANSWER_MAX };
    match toolbox.specs(&call).await {
        Ok(specs) if specs.is_empty() => {
            let advice = "name some of its tools in allow, by its own names, or \"*\"";
            Finding::warn(what, "it offers nothing that is allowed", advice)
        }
        Ok(specs) => {
            let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
            let shown = names.iter().take(SHOWN_MAX).copied().collect::<Vec<_>>().join(", ");
            let more = match names.len().saturating_sub(SHOWN_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            Finding::ok(what, format!("{shown}{more}"))
        }
        Err(error) => {
            let advice = "run its command by hand; its environment is what env in the file says";
            Finding::fail(what, error.to_string(), advice)
        }
    }
}
