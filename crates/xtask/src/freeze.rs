//! `cargo xtask freeze`: keeps what the former release asks of its databases, so that a test can
//! ask it of this release's. A checkout may have no history; so it is kept as files.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::repository;

/// Names the commit of the former release.
const NAMED_IN: &str = "deploy/previous-release";
/// Each adapter with statements, and the migrations that they rely on.
const ADAPTERS: [(&str, &str); 2] =
    [("adapter-postgres", "migrations/postgres"), ("adapter-embedded", "migrations/sqlite")];
/// Beneath the adapter's folder.
const FROZEN: &str = "tests/it/former/statements.sql";

/// `cargo xtask freeze`.
#[derive(Debug, Args)]
pub(crate) struct FreezeArgs {
    /// The commit that becomes the former release; else the one that is named stays it
    #[arg(value_name = "COMMIT")]
    commit: Option<String>,
}

pub(crate) fn run(args: &FreezeArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let named_in = repository().join(NAMED_IN);
    let commit = match &args.commit {
        Some(commit) => commit.clone(),
        None => std::fs::read_to_string(&named_in)?.trim().to_owned(),
    };
    let commit = git(&["rev-parse", "--verify", &format!("{commit}^{{commit}}")])?;
    let commit = commit.trim();
    std::fs::write(&named_in, format!("{commit}\n"))?;
    for (adapter, migrations) in ADAPTERS {
        let file = repository().join("crates").join(adapter).join(FROZEN);
        std::fs::write(&file, statements(commit, adapter, migrations)?)
            .with_context(|| format!("writing {}", file.display()))?;
    }
    writeln!(out, "froze the statements of {commit}")?;
    Ok(ExitCode::SUCCESS)
}

/// All statements of an adapter at a commit, each after a line with its name.
fn statements(commit: &str, adapter: &str, migrations: &str) -> anyhow::Result<String> {
    let folder = format!("crates/{adapter}/src/sql/");
    let newest = names(commit, &format!("{migrations}/"))?
        .iter()
        .filter_map(|name| name.strip_prefix('V')?.split_once("__")?.0.parse::<u32>().ok())
        .max();
    let newest = newest.context("the commit has no migrations")?;
    let mut frozen = format!(
        "-- The statements of the former release, by `cargo xtask freeze`. Not edited by hand.\n\
         -- commit: {commit}\n-- migration: {newest}\n"
    );
    let names = names(commit, &folder)?;
    if names.is_empty() {
        bail!("{commit} has no {folder}");
    }
    for name in names {
        let statement = git(&["show", &format!("{commit}:{folder}{name}")])?;
        let name = name.trim_end_matches(".sql");
        frozen += &format!("\n--@ {name}\n{}\n", statement.trim_end());
    }
    Ok(frozen)
}

fn names(commit: &str, folder: &str) -> anyhow::Result<Vec<String>> {
    let listed = git(&["ls-tree", "--name-only", commit, folder])?;
    let name = |path: &str| Path::new(path).file_name()?.to_str().map(str::to_owned);
    Ok(listed.lines().filter_map(name).collect())
}

fn git(arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git").current_dir(repository()).args(arguments).output()?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_frozen_is_of_the_release_that_is_named() {
        let commit = std::fs::read_to_string(repository().join(NAMED_IN)).unwrap();
        for (adapter, migrations) in ADAPTERS {
            let file = repository().join("crates").join(adapter).join(FROZEN);
            let frozen = std::fs::read_to_string(&file).unwrap();
            assert!(
                frozen.contains(&format!("-- commit: {commit}")),
                "{}: run `cargo xtask freeze`",
                file.display()
            );
            // A checkout may have no history to compare with.
            match statements(commit.trim(), adapter, migrations) {
                Ok(statements) => assert_eq!(frozen, statements, "run `cargo xtask freeze`"),
                Err(error) => crate::skip("what_is_frozen_is_what_git_has", &error.to_string()),
            }
        }
    }
}
