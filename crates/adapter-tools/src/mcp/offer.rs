use std::collections::BTreeMap;

use engine::ports::{ToolArguments, ToolSpec};
use jsonschema::Validator;
use serde_json::Value;

use crate::McpSettings;

/// Tools of one server, at the most.
pub(super) const TOOLS_MAX: usize = 64;
/// Unicode scalar values of a tool's description; a longer one is cut.
const DESCRIPTION_CHARS_MAX: usize = 1_000;
/// Bytes of a tool's schema.
const SCHEMA_BYTES_MAX: usize = 16 * 1024;
/// Unicode scalar values of a complaint.
const COMPLAINT_CHARS_MAX: usize = 300;

/// What a server offers, as far as it may be used.
#[derive(Default)]
pub(super) struct Offer {
    tools: BTreeMap<String, Offered>,
}

/// A tool of a server.
pub(super) struct Offered {
    pub(super) spec: ToolSpec,
    /// What the server calls it.
    pub(super) own_name: String,
    arguments: Validator,
    /// What it promises to answer, if it does.
    answer: Option<Validator>,
}

/// Why a tool is not offered.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("its name, behind that of the server, is none of letters, digits, _ and -, at most 64")]
    Name,
    #[error("its schema has {0} bytes; at most {SCHEMA_BYTES_MAX} are taken")]
    Large(usize),
    #[error("its schema cannot be used: {0}")]
    Schema(String),
}

impl Offer {
    /// The tools that are allowed and fit to be offered.
    pub(super) fn of(settings: &McpSettings, tools: Vec<rmcp::model::Tool>) -> Self {
        let is_allowed =
            |name: &str| settings.allow.iter().any(|allowed| allowed == name || allowed == "*");
        let allowed = tools.into_iter().filter(|tool| is_allowed(&tool.name)).take(TOOLS_MAX);
        let mut offer = Self::default();
        for tool in allowed {
            let own_name = tool.name.clone();
            match Offered::of(settings, tool) {
                Ok(offered) => {
                    offer.tools.entry(offered.spec.name.clone()).or_insert(offered);
                }
                Err(error) => {
                    tracing::warn!(
                        server = settings.name,
                        tool = %own_name,
                        error = &error as &dyn std::error::Error,
                        "not offered"
                    );
                }
            }
        }
        offer
    }

    pub(super) fn specs(&self) -> Vec<ToolSpec> {
        self.tools.values().map(|offered| offered.spec.clone()).collect()
    }

    pub(super) fn tool(&self, name: &str) -> Option<&Offered> {
        self.tools.get(name)
    }
}

impl Offered {
    fn of(settings: &McpSettings, tool: rmcp::model::Tool) -> Result<Self, Unfit> {
        let name = format!("{}__{}", settings.name, tool.name);
        if !engine::analysis::tools::is_name(&name) {
            return Err(Unfit::Name);
        }
        let input_schema = Value::Object((*tool.input_schema).clone());
        let arguments = validator(&input_schema)?;
        let answer = tool.output_schema.map(|schema| validator(&Value::Object((*schema).clone())));
        let description = tool.description.unwrap_or_default();
        let is_shown = |c: &char| !c.is_control() || *c == '\n';
        let description = description.chars().filter(is_shown).take(DESCRIPTION_CHARS_MAX);
        let description = description.collect();
        Ok(Self {
            spec: ToolSpec { name, description, input_schema, effect: settings.effect },
            own_name: tool.name.into_owned(),
            arguments,
            answer: answer.transpose()?,
        })
    }

    /// What is wrong with the arguments of a call, in a sentence; `None` if they keep to the schema.
    pub(super) fn complaint(&self, asked: &ToolArguments) -> Option<String> {
        if !asked.arguments.is_object() {
            return Some("its arguments must be an object".to_owned());
        }
        complaint(&self.arguments, &asked.arguments)
    }

    /// What is wrong with an answer, by what the server promised; `None` if it promised nothing.
    pub(super) fn broken_promise(&self, answer: Option<&Value>) -> Option<String> {
        let promised = self.answer.as_ref()?;
        match answer {
            Some(answer) => complaint(promised, answer),
            None => Some("it lacks the structure that the tool promises".to_owned()),
        }
    }
}

/// References to other documents are not followed: nothing is fetched.
fn validator(schema: &Value) -> Result<Validator, Unfit> {
    let bytes = schema.to_string().len();
    if bytes > SCHEMA_BYTES_MAX {
        return Err(Unfit::Large(bytes));
    }
    jsonschema::validator_for(schema).map_err(|error| Unfit::Schema(cut(&error.to_string())))
}

fn complaint(validator: &Validator, value: &Value) -> Option<String> {
    let error = validator.iter_errors(value).next()?;
    let at = error.instance_path().to_string();
    let what = cut(&error.to_string());
    Some(if at.is_empty() { what } else { format!("{at}: {what}") })
}

/// A text of the server's, fit to be shown.
pub(super) fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(COMPLAINT_CHARS_MAX).collect()
}
