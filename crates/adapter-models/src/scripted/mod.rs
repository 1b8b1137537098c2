//! A retriever, a model and tools that do what a test asks for.
//!
//! Every question succeeds with one fixed source and one fixed answer, without any document. A
//! question that begins with `script:` chooses delays, failures, sizes and exits: see [`Script`].

mod ledger;
mod model;
mod retriever;
mod script;
mod tools;

use std::path::PathBuf;
use std::time::Duration;

use engine::ports::CallContext;

pub use model::ScriptedModel;
pub use retriever::ScriptedRetriever;
pub use script::{Failure, Script, ScriptError, ScriptedCall, ScriptedClass, ScriptedStep};
pub use tools::ScriptedTools;

use ledger::{Ledger, LedgerError};

/// What the fixed source says. It holds no digit, so that any number of copies of it, cut off
/// anywhere, states no number.
pub const SCRIPTED_TEXT: &str = "Every scripted question has the same answer, and this is it.";

/// What the scripted ports do before they answer.
#[derive(Debug)]
struct Stage {
    step: ScriptedStep,
    latency: Duration,
    ledger: Option<Ledger>,
}

impl Stage {
    fn new(step: ScriptedStep, latency: Duration, ledger: Option<PathBuf>) -> Self {
        Self { step, latency, ledger: ledger.map(Ledger::new) }
    }

    /// Writes the call down before anything else happens, so that the ledger also shows calls
    /// that end the process or are dropped.
    fn enter(&self, call: &CallContext) -> Result<(), LedgerError> {
        match &self.ledger {
            Some(ledger) => ledger.append(call, self.step.as_str()),
            None => Ok(()),
        }
    }

    /// Waits as long as a call takes. Cancel safe: nothing is lost by dropping it.
    async fn wait(&self, script: &Script) {
        let delay = script.delay.unwrap_or(self.latency);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }

    /// How this call is to fail, if it is.
    fn failure(&self, script: &Script, call: &CallContext) -> Option<ScriptedClass> {
        let failure = script.failure.filter(|failure| call.failures < failure.times)?;
        (script.step == self.step).then_some(failure.class)
    }
}
