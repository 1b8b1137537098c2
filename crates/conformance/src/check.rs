//! What a check is.

use futures_util::future::BoxFuture;

use crate::fault::Checked;
use crate::target::Target;

/// How a check is run.
pub(crate) type Run = for<'a> fn(&'a Target) -> BoxFuture<'a, Checked>;

/// One promise and the way to prove it.
pub(crate) struct Check {
    /// Subject and rule, such as `streams/resume`.
    pub(crate) name: &'static str,
    /// The promise, in a sentence.
    pub(crate) promise: &'static str,
    pub(crate) needs: Needs,
    pub(crate) turn: Turn,
    pub(crate) run: Run,
}

/// What a server must have so that it can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing beyond the contract.
    Nothing,
    /// The scripted model, which is slow and fails as a question asks.
    ScriptedModel,
}

/// When a check runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Beside others.
    Beside,
    /// By itself: it would change what others see.
    Alone,
    /// After all others: it speaks of everything that was seen.
    Last,
}

impl Check {
    /// Whether it is meant by what somebody asked for: its name, or its subject.
    pub(crate) fn is_named(&self, asked: &str) -> bool {
        self.name == asked || self.name.split('/').next() == Some(asked)
    }
}

/// A check that needs nothing and runs beside others.
pub(crate) const fn check(name: &'static str, promise: &'static str, run: Run) -> Check {
    Check { name, promise, needs: Needs::Nothing, turn: Turn::Beside, run }
}

/// A check that needs the scripted model and runs beside others.
pub(crate) const fn scripted(name: &'static str, promise: &'static str, run: Run) -> Check {
    Check { name, promise, needs: Needs::ScriptedModel, turn: Turn::Beside, run }
}

impl Check {
    /// The same, at another time.
    pub(crate) const fn at(self, turn: Turn) -> Self {
        Self { turn, ..self }
    }
}
