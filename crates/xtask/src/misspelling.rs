//! Misspells documents, for tests: a form that is strict refuses each of them.

use serde_json::Value;

/// What has fields of its own that no form lists: whoever writes them names them.
const FREE: [&str; 5] = ["labels", "annotations", "matchLabels", "data", "stringData"];

/// The JSON pointers of all fields of a document.
pub(crate) fn fields(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    list(document, String::new(), &mut found);
    found
}

fn list(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let field = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                if !FREE.contains(&name.as_str()) {
                    list(value, field.clone(), found);
                }
                found.push(field);
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                list(item, format!("{at}/{n}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A document with the last two letters of a field's name exchanged, or one letter more where that
/// is the same name.
pub(crate) fn misspelt(document: &Value, field: &str) -> Value {
    let mut document = document.clone();
    let (parent, name) = field.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    let members = document.pointer_mut(parent).and_then(Value::as_object_mut).unwrap();
    let value = members.remove(&name).unwrap();
    let mut letters: Vec<char> = name.chars().collect();
    if let [.., before, last] = &mut letters[..] {
        std::mem::swap(before, last);
    }
    let other: String = letters.iter().collect();
    let other = if other == name { format!("{name}x") } else { other };
    members.insert(other, value);
    document
}
