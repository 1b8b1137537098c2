//! What is kept of the former release by `cargo xtask freeze`.

/// The statements of a frozen file, each with its name.
///
/// # Panics
/// If the file is not of its form.
#[must_use]
pub fn statements_of(frozen: &str) -> Vec<(String, String)> {
    let parts = frozen.split("\n--@ ").skip(1);
    let parts = parts.map(|part| {
        let (name, statement) = part.split_once('\n').expect("a name and a statement");
        (name.to_owned(), statement.trim().to_owned())
    });
    parts.collect()
}

/// The newest migration that a frozen file's statements were written for.
///
/// # Panics
/// If the file does not tell.
#[must_use]
pub fn migration_of(frozen: &str) -> u32 {
    let line = frozen.lines().find_map(|line| line.strip_prefix("-- migration: "));
    line.and_then(|number| number.parse().ok()).expect("the file tells its migration")
}
