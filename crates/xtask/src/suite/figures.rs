//! What the proofs of the fleet measured at full length, in docs/reliability.md.

use std::fs;
use std::num::NonZeroUsize;
use std::process::Command;
use std::thread::available_parallelism;

use anyhow::{Context as _, ensure};

use super::{Surroundings, at};

const DOCUMENT: &str = "docs/reliability.md";
/// Between these lines everything is written by this program.
const BEGIN: &str = "<!-- Written by `cargo xtask test --only proofs`. -->";
const END: &str = "<!-- The end of what it wrote. -->";

/// Puts the figures into the document, with date and commit.
pub(super) fn publish(around: &mut Surroundings<'_>) -> anyhow::Result<()> {
    let figures = fs::read_to_string(&around.figures).context("the proofs measured nothing")?;
    let table = format!("{}\n\n{}", origin(around)?, table(&figures)?);
    let path = around.root.join(DOCUMENT);
    let document = fs::read_to_string(&path).context(DOCUMENT)?;
    fs::write(&path, with_table(&document, &table)?).context(DOCUMENT)?;
    writeln!(around.out, "{table}\nwritten to {DOCUMENT}")?;
    Ok(())
}

/// When, of what and on what the figures were made.
fn origin(around: &Surroundings<'_>) -> anyhow::Result<String> {
    let git = |arguments: &[&str]| said(at(&around.root, "git").args(arguments));
    // A checkout may come without its history.
    let commit = git(&["rev-parse", "--short", "HEAD"]).unwrap_or_else(|_| "unknown".to_owned());
    let changes = git(&["status", "--porcelain", "--", "crates", "migrations"]).unwrap_or_default();
    let changed = if changes.is_empty() { "" } else { ", with changes that are not committed" };
    let date = said(Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    Ok(format!("{date}, commit {commit}{changed}, release binaries, {cores} cores:"))
}

fn said(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} cannot be started"))?;
    ensure!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Lines `name: value` as a table.
fn table(figures: &str) -> anyhow::Result<String> {
    let mut table = "| proof | figure |\n|---|---|\n".to_owned();
    for line in figures.lines() {
        let (name, value) = line.split_once(": ").with_context(|| format!("no figure: {line}"))?;
        table.push_str(&format!("| {name} | {value} |\n"));
    }
    Ok(table)
}

/// The document with this table in the place of the last one.
fn with_table(document: &str, table: &str) -> anyhow::Result<String> {
    let place = document.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = place.with_context(|| format!("{DOCUMENT} has no place for figures"))?;
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::suite::tally::Tally;

    #[test]
    fn a_table_takes_the_place_of_the_last_one_and_leaves_the_rest() {
        let document = format!("# Head\n\n{BEGIN}\nold\n{END}\n\nTail\n");
        let table = table("chaos, jobs: 2000\nchaos, `assay verify`: clean\n").unwrap();
        let written = with_table(&document, &table).unwrap();
        assert_eq!(
            written,
            format!(
                "# Head\n\n{BEGIN}\n| proof | figure |\n|---|---|\n| chaos, jobs | 2000 |\n\
                 | chaos, `assay verify` | clean |\n{END}\n\nTail\n"
            )
        );
        assert_eq!(with_table(&written, &table).unwrap(), written);
        assert!(with_table("no place", &table).is_err());
        assert!(super::table("no figure").is_err());
    }

    #[test]
    fn figures_are_published_with_their_date_and_commit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(DOCUMENT);
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("{BEGIN}\n{END}\n")).unwrap();
        let figures = folder.path().join("figures");
        fs::write(&figures, "chaos, jobs: 2000\n").unwrap();
        let mut out = Vec::new();
        let mut around = Surroundings {
            root: folder.path().to_owned(),
            skips: folder.path().join("skips"),
            figures,
            data_home: folder.path().join("data"),
            long: true,
            tally: Tally::default(),
            out: &mut out,
        };
        publish(&mut around).unwrap();
        let written = fs::read_to_string(path).unwrap();
        assert!(written.contains(", commit ") && written.contains("| chaos, jobs | 2000 |"));
    }

    #[test]
    fn the_document_has_a_place_for_figures() {
        let document = fs::read_to_string(crate::repository().join(DOCUMENT)).unwrap();
        with_table(&document, "").unwrap();
    }

    #[test]
    fn every_test_that_the_document_names_is_there() {
        let document = fs::read_to_string(crate::repository().join(DOCUMENT)).unwrap();
        let mut code = String::new();
        read_all(&crate::repository().join("crates"), &mut code);
        let quoted = document.split('`').skip(1).step_by(2);
        let is_name = |text: &&str| {
            text.matches('_').count() > 2
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        };
        for name in quoted.filter(is_name) {
            assert!(code.contains(&format!("fn {name}(")), "there is no test {name}");
        }
    }

    fn read_all(folder: &Path, code: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read_all(&path, code);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                code.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
}
