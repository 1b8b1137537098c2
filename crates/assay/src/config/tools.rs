//! The tables `[tools.NAME]` of the configuration file: which tools a model may have called.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use adapter_tools::McpSettings;
use engine::ports::Effect;

use super::ConfigError;
use super::tables::Fields;

/// Tables, at the most.
const TOOLBOXES_MAX: usize = 16;
/// Bytes in a toolbox's name: it begins the names of its tools.
const NAME_BYTES_MAX: usize = 20;
const TIMEOUT_S: RangeInclusive<u32> = 1..=60;
const ANSWER_BYTES: RangeInclusive<u32> = 1..=65_536;

/// Where tools are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolbox {
    /// `[tools.calculator]`: the built-in calculator.
    Calculator,
    /// `[tools.scripted]`: stand-ins for load and fault tests.
    Scripted,
    /// `[tools.NAME]` with a `command`: a program that speaks the Model Context Protocol.
    Program(McpSettings),
}

/// Reads the tables, with what `assay config` shows of them.
pub(super) fn read(
    tables: toml::Table,
    errors: &mut Vec<ConfigError>,
) -> (Vec<Toolbox>, Vec<(String, String)>) {
    if tables.len() > TOOLBOXES_MAX {
        errors.push(ConfigError::new("tools", format!("must be at most {TOOLBOXES_MAX}")));
    }
    let (mut toolboxes, mut shown) = (Vec::new(), Vec::new());
    for (name, value) in tables.into_iter().take(TOOLBOXES_MAX) {
        let table = format!("tools.{name}");
        let mut fields = Fields::of(table.clone(), value, errors);
        match name.as_str() {
            "calculator" => {
                toolboxes.push(Toolbox::Calculator);
                shown.push((table, "built in".to_owned()));
            }
            "scripted" => {
                toolboxes.push(Toolbox::Scripted);
                shown.push((table, "stand-ins for tests".to_owned()));
            }
            _ => toolboxes.extend(program(name, &mut fields).map(Toolbox::Program)),
        }
        shown.extend(fields.finish());
    }
    (toolboxes, shown)
}

fn program(name: String, fields: &mut Fields<'_>) -> Option<McpSettings> {
    let is_of_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.len() > NAME_BYTES_MAX || !name.bytes().all(is_of_name) {
        fields.refuse(format!("its name must be of a-z, 0-9 and -, at most {NAME_BYTES_MAX}"));
    }
    if !cfg!(feature = "mcp") {
        fields.refuse("this program was built without MCP: build it with `--features mcp`");
    }
    if !fields.has("command") {
        fields.missing("command", "the program to start");
    }
    if !fields.has("allow") {
        fields.missing("allow", "the tools that may be called, or [\"*\"]");
    }
    let command = fields.text("command");
    let args = fields.texts("args");
    let env = fields.secrets("env");
    let allow = fields.texts("allow");
    let timeout = fields.whole("timeout_s", TIMEOUT_S).map(|s| Duration::from_secs(s.into()));
    let answer_bytes_max = fields.whole("answer_bytes_max", ANSWER_BYTES).map(|max| max as usize);
    let effect = fields.parsed("effect", |effect| match effect {
        "repeatable" => Ok(Effect::Repeatable),
        "at_most_once" => Ok(Effect::AtMostOnce),
        _ => Err("must be repeatable or at_most_once".to_owned()),
    });
    Some(McpSettings {
        name,
        command: PathBuf::from(command?),
        args,
        env,
        allow,
        timeout: timeout.unwrap_or(McpSettings::TIMEOUT_DEFAULT),
        answer_bytes_max: answer_bytes_max.unwrap_or(McpSettings::ANSWER_BYTES_MAX_DEFAULT),
        effect: effect.unwrap_or(McpSettings::EFFECT_DEFAULT),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> (Vec<Toolbox>, String, String) {
        let mut errors = Vec::new();
        let (toolboxes, shown) = read(text.parse().unwrap(), &mut errors);
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let shown: Vec<String> =
            shown.iter().map(|(key, value)| format!("{key} {value}")).collect();
        (toolboxes, said.join("\n"), shown.join("\n"))
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_place() {
        let (toolboxes, said, _) = read_text(
            "calculator = {precision = 3}\nA_b = {command = 'x', allow = ['*']}\n\
             time = {command = 1, args = [1], env = {A = 1}, timeout_s = 0, answer_bytes_max = 'x', \
             effect = 'none', colour = 'red'}\nnone = 3\n",
        );
        assert_eq!(toolboxes.len(), 2, "what is wrong in one of them hides no other");
        for part in [
            "tools.calculator.precision: is no setting of it",
            "tools.A_b: its name must be of a-z",
            "tools.time.colour: is no setting of it",
            "tools.time.command: must be a text",
            "tools.time.args: must be a list of texts",
            "tools.time.allow: is not set: the tools that may be called",
            "tools.time.env: must be a table of texts",
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
        let (toolboxes, said, shown) = read_text(
            "calculator = {}\n\
             time = {command = 'mcp-time', args = ['-v'], allow = ['a', 'b'], env = {K = 's3cret'}}\n",
        );
        assert_eq!(said.is_empty(), cfg!(feature = "mcp"), "{said}");
        assert_eq!(toolboxes[0], Toolbox::Calculator);
        for line in ["tools.calculator built in", "tools.time.allow a, b", "tools.time.env K=***"] {
            assert!(shown.contains(line), "{line}: {shown}");
        }
        assert!(!format!("{toolboxes:?} {shown}").contains("s3cret"));
        let Toolbox::Program(program) = &toolboxes[1] else { panic!("{toolboxes:?}") };
        assert_eq!((program.timeout.as_secs(), program.answer_bytes_max), (30, 16_384));
        assert_eq!((program.effect, program.env["K"].as_str()), (Effect::AtMostOnce, "s3cret"));
    }
}
