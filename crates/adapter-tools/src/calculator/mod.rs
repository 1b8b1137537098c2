//! Arithmetic over decimal numbers: 0.1 + 0.2 is 0.3.

mod expression;
mod number;

use async_trait::async_trait;
use engine::ports::{CallContext, Effect, ToolArguments, ToolError, ToolSpec, Toolbox};
use serde_json::{Value, json};

pub use expression::{EXPRESSION_BYTES_MAX, ExpressionError, evaluate};
pub use number::Number;

/// The calculator's name, as a toolbox and as the one tool in it.
pub const NAME: &str = "calculator";

const DESCRIPTION: &str = "Computes an arithmetic expression over decimal numbers, exactly where \
    it can. Operators: + - * / ^ and parentheses; % after a number means per cent. Functions: \
    abs(x), round(x, decimals), sqrt(x), min, max, sum and avg of any number of values. Write \
    numbers without thousands separators and currency signs: 1577 / 32765 * 100. Use it for every \
    figure that is not printed in the passages, and state the figure as one of the forms in its \
    answer.";

/// The calculator. It answers at once and does nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct Calculator;

#[async_trait]
impl Toolbox for Calculator {
    fn name(&self) -> &str {
        NAME
    }

    async fn specs(&self, _: &CallContext) -> Result<Vec<ToolSpec>, ToolError> {
        Ok(vec![ToolSpec {
            name: NAME.to_owned(),
            description: DESCRIPTION.to_owned(),
            input_schema: json!({
                "type": "object",
                "properties": {
                    "expression": {
                        "type": "string",
                        "description": "such as (1577 - 1373) / 1373",
                        "minLength": 1,
                        "maxLength": EXPRESSION_BYTES_MAX,
                    },
                },
                "required": ["expression"],
                "additionalProperties": false,
            }),
            effect: Effect::Repeatable,
        }])
    }

    async fn call(&self, _: &CallContext, asked: &ToolArguments) -> Result<String, ToolError> {
        if asked.tool != NAME {
            return Err(ToolError::Rejected(format!("there is no tool {}", asked.tool)));
        }
        let expression = expression_of(&asked.arguments).map_err(ToolError::Rejected)?;
        match evaluate(expression) {
            Ok(number) => Ok(number.described()),
            Err(error) => Err(ToolError::Rejected(error.to_string())),
        }
    }
}

/// The one argument, by the rules of the schema.
fn expression_of(arguments: &Value) -> Result<&str, String> {
    let object = arguments.as_object().ok_or("its arguments must be an object")?;
    if let Some(other) = object.keys().find(|key| *key != "expression") {
        let other: String = other.chars().take(40).collect();
        return Err(format!("it has no argument {other:?}"));
    }
    let expression = object.get("expression").and_then(Value::as_str);
    expression.ok_or_else(|| "its argument expression must be a text".to_owned())
}
