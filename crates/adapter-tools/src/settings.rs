use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use engine::ports::Effect;

/// How a server is started, and what it may do.
#[derive(Clone, PartialEq, Eq)]
pub struct McpSettings {
    /// What it is called here: the beginning of its tools' names.
    pub name: String,
    /// The program.
    pub command: PathBuf,
    /// What it is started with.
    pub args: Vec<String>,
    /// All of its environment. The values may be secret.
    pub env: BTreeMap<String, String>,
    /// The tools that may be called, by the server's own names; `*` is all of them.
    pub allow: Vec<String>,
    /// How long one call may take, the start of the process included.
    pub timeout: Duration,
    /// Bytes of one answer.
    pub answer_bytes_max: usize,
    /// What calling one of its tools twice does.
    pub effect: Effect,
}

impl McpSettings {
    /// As much as a tool may take unless it is said otherwise.
    pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
    /// As much as an answer may have unless it is said otherwise.
    pub const ANSWER_BYTES_MAX_DEFAULT: usize = 16 * 1024;
    /// What is assumed of its tools unless it is said otherwise. It is their operator's to say, and
    /// not theirs.
    pub const EFFECT_DEFAULT: Effect = Effect::AtMostOnce;
}

/// Without the values of the environment.
impl std::fmt::Debug for McpSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, command, args, env, allow, timeout, answer_bytes_max, effect } = self;
        f.debug_struct("McpSettings")
            .field("name", name)
            .field("command", command)
            .field("args", args)
            .field("env", &env.keys())
            .field("allow", allow)
            .field("timeout", timeout)
            .field("answer_bytes_max", answer_bytes_max)
            .field("effect", effect)
            .finish()
    }
}
