//! The tables `[tools.NAME]` of the configuration file: which tools a model may have called.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use engine::ports::Effect;
use toml::{Table, Value};

use super::ConfigError;

/// Tables, at the most.
const TOOLBOXES_MAX: usize = 16;
/// Bytes in a toolbox's name: it begins the names of its tools.
const NAME_BYTES_MAX: usize = 20;
const TIMEOUT_S: std::ops::RangeInclusive<u32> = 1..=60;
const ANSWER_BYTES: std::ops::RangeInclusive<u32> = 1..=65_536;
/// What a table of a program may hold.
const KEYS: [&str; 7] =
    ["command", "args", "env", "allow", "timeout_s", "answer_bytes_max", "effect"];

/// Where tools are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolbox {
    /// `[tools.calculator]`: the built-in calculator.
    Calculator,
    /// `[tools.scripted]`: stand-ins for load and fault tests.
    Scripted,
    /// `[tools.NAME]` with a `command`: a program that speaks the Model Context Protocol.
    Program(Program),
}

/// A program with tools.
#[derive(Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name here.
    pub name: String,
    /// The program.
    pub command: PathBuf,
    /// What it is started with.
    pub args: Vec<String>,
    /// All of its environment; the values may be secret.
    pub env: BTreeMap<String, String>,
    /// The tools that may be called; `*` is all of them.
    pub allow: Vec<String>,
    /// How long a call may take.
    pub timeout: Duration,
    /// Bytes of an answer.
    pub answer_bytes_max: usize,
    /// What calling one of its tools twice does.
    pub effect: Effect,
}

/// As it may be shown: without the values of the environment.
impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Program").field(&self.name).field(&self.shown()).finish()
    }
}

impl Toolbox {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Calculator => "calculator",
            Self::Scripted => "scripted",
            Self::Program(program) => &program.name,
        }
    }

    /// What it is, without secrets.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Calculator => "built in".to_owned(),
            Self::Scripted => "stand-ins for tests".to_owned(),
            Self::Program(program) => program.shown(),
        }
    }
}

impl Program {
    fn shown(&self) -> String {
        let env: Vec<String> = self.env.keys().map(|name| format!("{name}=***")).collect();
        let effect = match self.effect {
            Effect::Repeatable => "repeatable",
            Effect::AtMostOnce => "at_most_once",
        };
        let command = self.command.display().to_string();
        let parts = [env, vec![command], self.args.clone()].concat().join(" ");
        let allow = self.allow.join(",");
        let (timeout, bytes) = (self.timeout.as_secs(), self.answer_bytes_max);
        format!("{parts} (allow {allow}; {timeout} s; {bytes} bytes; {effect})")
    }
}

/// Reads the tables. What is wrong is added to `errors`.
pub(super) fn read(tables: &Table, errors: &mut Vec<ConfigError>) -> Vec<Toolbox> {
    let mut toolboxes = Vec::new();
    for (name, value) in tables {
        let mut reader = Reader { name, errors };
        let toolbox = match value.as_table() {
            Some(table) => reader.toolbox(table),
            None => reader.refuse("", format!("must be a table: [tools.{name}]")),
        };
        toolboxes.extend(toolbox);
    }
    if tables.len() > TOOLBOXES_MAX {
        let detail = format!("are {}; at most {TOOLBOXES_MAX} are taken", tables.len());
        errors.push(ConfigError::new("tools", detail));
    }
    toolboxes
}

/// Reads one table.
struct Reader<'a> {
    name: &'a str,
    errors: &'a mut Vec<ConfigError>,
}

impl Reader<'_> {
    fn toolbox(&mut self, table: &Table) -> Option<Toolbox> {
        let built_in = match self.name {
            "calculator" => Some(Toolbox::Calculator),
            "scripted" => Some(Toolbox::Scripted),
            _ => None,
        };
        let known: &[&str] = if built_in.is_some() { &[] } else { &KEYS };
        for key in table.keys().filter(|key| !known.contains(&key.as_str())) {
            self.refuse::<()>(key, "is no setting of this tool");
        }
        built_in.or_else(|| self.program(table).map(Toolbox::Program))
    }

    fn program(&mut self, table: &Table) -> Option<Program> {
        let is_of_name =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.name.len() > NAME_BYTES_MAX || !self.name.bytes().all(is_of_name) {
            let detail = format!("must be a-z, 0-9 and -, at most {NAME_BYTES_MAX}");
            self.refuse::<()>("", detail);
        }
        if !cfg!(feature = "mcp") {
            let detail = "this program was built without MCP: build it with `--features mcp`";
            self.refuse::<()>("", detail);
        }
        let command = match table.get("command").and_then(Value::as_str) {
            Some(command) if !command.is_empty() => Some(PathBuf::from(command)),
            Some(_) | None => self.refuse("command", "must be the program to start"),
        };
        let args = self.texts(table, "args").unwrap_or_default();
        let allow = match self.texts(table, "allow") {
            Some(allow) if !allow.is_empty() => Some(allow),
            Some(_) | None => {
                self.refuse("allow", "must name the tools that may be called, or be [\"*\"]")
            }
        };
        let env = self.environment(table);
        let timeout_s = self.number(table, "timeout_s", (TIMEOUT_S, 30));
        let answer_bytes_max = self.number(table, "answer_bytes_max", (ANSWER_BYTES, 16_384));
        let effect = match table.get("effect").map(Value::as_str) {
            None | Some(Some("at_most_once")) => Some(Effect::AtMostOnce),
            Some(Some("repeatable")) => Some(Effect::Repeatable),
            Some(_) => self.refuse("effect", "must be repeatable or at_most_once"),
        };
        Some(Program {
            name: self.name.to_owned(),
            command: command?,
            args,
            env: env?,
            allow: allow?,
            timeout: Duration::from_secs(timeout_s?.into()),
            answer_bytes_max: answer_bytes_max? as usize,
            effect: effect?,
        })
    }

    fn texts(&mut self, table: &Table, key: &str) -> Option<Vec<String>> {
        let Value::Array(values) = table.get(key)? else {
            return self.refuse(key, "must be a list of texts");
        };
        let texts: Option<Vec<String>> =
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
        texts.or_else(|| self.refuse(key, "must be a list of texts"))
    }

    fn environment(&mut self, table: &Table) -> Option<BTreeMap<String, String>> {
        match table.get("env") {
            None => Some(BTreeMap::new()),
            Some(Value::Table(env)) => {
                let pair = |(name, value): (&String, &Value)| {
                    value.as_str().map(|value| (name.clone(), value.to_owned()))
                };
                let env: Option<_> = env.iter().map(pair).collect();
                env.or_else(|| self.refuse("env", "must have texts for values"))
            }
            Some(_) => self.refuse("env", "must be a table of names and texts"),
        }
    }

    fn number(
        &mut self,
        table: &Table,
        key: &str,
        (range, default): (std::ops::RangeInclusive<u32>, u32),
    ) -> Option<u32> {
        let Some(value) = table.get(key) else { return Some(default) };
        let number = value.as_integer().and_then(|number| u32::try_from(number).ok());
        let number = number.filter(|number| range.contains(number));
        let (low, high) = (range.start(), range.end());
        number.or_else(|| self.refuse(key, format!("must be a whole number from {low} to {high}")))
    }

    fn refuse<T>(&mut self, key: &str, detail: impl Into<String>) -> Option<T> {
        let dot = if key.is_empty() { "" } else { "." };
        let name = format!("tools.{}{dot}{key}", self.name);
        self.errors.push(ConfigError::new(name, detail));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> (Vec<Toolbox>, String) {
        let mut errors = Vec::new();
        let toolboxes = read(&text.parse().unwrap(), &mut errors);
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        (toolboxes, said.join("\n"))
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_place() {
        let (toolboxes, said) = read_text(
            "calculator = {precision = 3}\nA_b = {command = 'x', allow = ['*']}\n\
             time = {command = 1, args = [1], env = {A = 1}, timeout_s = 0, answer_bytes_max = 'x', \
             effect = 'none', colour = 'red'}\nnone = 3\n",
        );
        assert_eq!(toolboxes.len(), 2, "what is wrong in one of them hides no other");
        for part in [
            "tools.calculator.precision: is no setting",
            "tools.A_b: must be a-z",
            "tools.time.colour: is no setting",
            "tools.time.command: must be the program",
            "tools.time.args: must be a list",
            "tools.time.allow: must name the tools",
            "tools.time.env: must have texts",
            "tools.time.timeout_s: must be a whole number from 1 to 60",
            "tools.time.answer_bytes_max: must be a whole number",
            "tools.time.effect: must be repeatable or at_most_once",
            "tools.none: must be a table",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }

    #[test]
    fn a_program_is_shown_without_the_values_of_its_environment() {
        let (toolboxes, said) = read_text(
            "calculator = {}\n\
             time = {command = 'mcp-time', args = ['-v'], allow = ['a', 'b'], env = {K = 's3cret'}}\n",
        );
        assert_eq!(said.is_empty(), cfg!(feature = "mcp"), "{said}");
        assert_eq!(toolboxes[0], Toolbox::Calculator);
        let shown = toolboxes[1].shown();
        assert_eq!(shown, "K=*** mcp-time -v (allow a,b; 30 s; 16384 bytes; at_most_once)");
        assert!(!format!("{toolboxes:?}").contains("s3cret"));
    }
}
