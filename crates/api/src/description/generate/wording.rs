//! From comments in the code to words for clients.

use serde_json::Value;

/// Makes a schema fit to be read outside: descriptions without links into the code, and no format
/// that only Rust knows.
pub(super) fn cleaned(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            let rust_only = |format: &Value| format.as_str().is_some_and(|f| f.starts_with("uint"));
            if keywords.get("format").is_some_and(rust_only) {
                keywords.remove("format");
            }
            if let Some(Value::String(text)) = keywords.get_mut("description") {
                *text = plain(text);
            }
            keywords.values_mut().for_each(cleaned);
        }
        Value::Array(items) => items.iter_mut().for_each(cleaned),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A comment as one line. What it says in links to the code is left out, with its sentence.
fn plain(comment: &str) -> String {
    let line = comment.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentences = line.split_inclusive(". ").map(str::trim);
    let told: Vec<&str> = sentences.filter(|sentence| !sentence.contains("[`")).collect();
    told.join(" ")
}

#[test]
fn sentences_about_code_are_not_for_clients() {
    assert_eq!(plain("A word. See [`Code`]. More\nwords."), "A word. More words.");
}
