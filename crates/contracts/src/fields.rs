//! Reading a client's JSON object field by field, so that every error is found and located.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One thing wrong with a request, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// A JSON Pointer (RFC 6901) into the request's body; empty for the body itself.
    pub pointer: String,
    /// What is wrong, for the person who sent it.
    pub detail: String,
}

/// The fields of one object, taken out one by one; what is left at the end is unknown.
pub(crate) struct Fields<'a> {
    base: String,
    object: Map<String, Value>,
    errors: &'a mut Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// The fields of `value`, or none and an error if it is not an object.
    pub(crate) fn of(value: Value, base: &str, errors: &'a mut Vec<FieldError>) -> Self {
        let object = match value {
            Value::Object(object) => object,
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)) => {
                let detail = format!("must be an object, not {}", kind(&other));
                errors.push(FieldError { pointer: base.to_owned(), detail });
                Map::new()
            }
        };
        Self { base: base.to_owned(), object, errors }
    }

    /// Reports every field that was not taken.
    pub(crate) fn finish(self) {
        for name in self.object.keys() {
            let pointer = format!("{}/{}", self.base, escape(name));
            self.errors.push(FieldError { pointer, detail: "unknown field".to_owned() });
        }
    }

    pub(crate) fn required_text(&mut self, name: &str, chars: RangeInclusive<usize>) -> String {
        match self.take(name) {
            None => {
                self.refuse(name, "is required");
                String::new()
            }
            Some(value) => self.text(name, value, chars).unwrap_or_default(),
        }
    }

    pub(crate) fn optional_text(
        &mut self,
        name: &str,
        chars: RangeInclusive<usize>,
    ) -> Option<String> {
        let value = self.take(name)?;
        self.text(name, value, chars)
    }

    pub(crate) fn optional_integer(
        &mut self,
        name: &str,
        range: RangeInclusive<u32>,
    ) -> Option<u32> {
        let value = self.take(name)?;
        let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
        match number.filter(|n| range.contains(n)) {
            Some(number) => Some(number),
            None => {
                let (low, high) = (range.start(), range.end());
                self.refuse(name, &format!("must be a whole number from {low} to {high}"));
                None
            }
        }
    }

    pub(crate) fn optional_positive_number(&mut self, name: &str) -> Option<f64> {
        let value = self.take(name)?;
        match value.as_f64().filter(|n| *n > 0.0) {
            Some(number) => Some(number),
            None => {
                self.refuse(name, "must be a number greater than 0");
                None
            }
        }
    }

    /// One of a closed set of words, as serde reads `T`.
    pub(crate) fn optional_word<T: for<'de> Deserialize<'de>>(
        &mut self,
        name: &str,
        words: &str,
    ) -> Option<T> {
        let value = self.take(name)?;
        match serde_json::from_value(value) {
            Ok(word) => Some(word),
            Err(_) => {
                self.refuse(name, &format!("must be one of {words}"));
                None
            }
        }
    }

    /// An array of at most `max` items; `item` reads each or says what is wrong with it.
    pub(crate) fn optional_array<T>(
        &mut self,
        name: &str,
        max: usize,
        item: impl Fn(&Value) -> Result<T, &'static str>,
    ) -> Option<Vec<T>> {
        let items = match self.take(name)? {
            Value::Array(items) if items.len() <= max => items,
            Value::Array(_) => {
                self.refuse(name, &format!("must have at most {max} items"));
                return None;
            }
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_)) => {
                self.refuse(name, &format!("must be an array, not {}", kind(&other)));
                return None;
            }
        };
        let mut read = Vec::with_capacity(items.len());
        for (index, value) in items.iter().enumerate() {
            match item(value) {
                Ok(value) => read.push(value),
                Err(detail) => self.refuse(&format!("{name}/{index}"), detail),
            }
        }
        Some(read)
    }

    /// The value of a nested object's field, to be read with [`Fields::of`].
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        // A null is how many clients write "not given".
        self.object.remove(name).filter(|value| !value.is_null())
    }

    pub(crate) fn pointer(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    pub(crate) fn errors(&mut self) -> &mut Vec<FieldError> {
        self.errors
    }

    pub(crate) fn remaining(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.object)
    }

    pub(crate) fn refuse(&mut self, name: &str, detail: &str) {
        let pointer = self.pointer(name);
        self.errors.push(FieldError { pointer, detail: detail.to_owned() });
    }

    pub(crate) fn text(
        &mut self,
        name: &str,
        value: Value,
        chars: RangeInclusive<usize>,
    ) -> Option<String> {
        let Value::String(text) = value else {
            self.refuse(name, &format!("must be a string, not {}", kind(&value)));
            return None;
        };
        let text = text.trim();
        let length = text.chars().count();
        if text.contains('\0') {
            self.refuse(name, "must not contain a NUL character");
        } else if length < *chars.start() {
            self.refuse(name, "must not be empty");
        } else if length > *chars.end() {
            let max = chars.end();
            self.refuse(name, &format!("must have at most {max} characters, has {length}"));
        } else {
            return Some(text.to_owned());
        }
        None
    }
}

/// Escapes one reference token of a JSON Pointer.
pub(crate) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
