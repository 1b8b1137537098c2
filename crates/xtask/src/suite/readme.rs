//! The README's first command, run as a newcomer runs it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::{Surroundings, Verdict, at, command};

/// How the README's first command must begin.
const BEGINNING: &str = "cargo run --release -- ask ";
/// How long its second run may take, its check for changed sources included.
const SECOND_RUN_MAX: Duration = Duration::from_secs(2);
/// What would change the answer, or where it is looked for.
const SETTINGS: [&str; 3] = ["ASSAY_DATA_DIR", "ASSAY_MODEL", "ASSAY_SCRIPTED_LATENCY_MS"];

/// Runs it twice with an empty data directory.
pub(super) fn check(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    let readme = around.root.join("README.md");
    let readme = fs::read_to_string(&readme).with_context(|| readme.display().to_string())?;
    let Some(line) = first_command(&readme) else {
        return Ok(failed("no code block of the README has a command alone on a line"));
    };
    if !line.starts_with(BEGINNING) {
        return Ok(failed(&format!("the README's first command is `{line}`")));
    }
    let (first, _) = run(around, line)?;
    if let Some(problem) = first {
        return Ok(failed(&problem));
    }
    let (second, took) = run(around, line)?;
    let too_slow = || {
        let (took, max) = (took.as_secs_f64(), SECOND_RUN_MAX.as_secs());
        (took >= SECOND_RUN_MAX.as_secs_f64())
            .then(|| format!("the second run took {took:.1} s, {max} s are promised"))
    };
    Ok(match second.or_else(too_slow) {
        None => Verdict::Passed,
        Some(problem) => failed(&problem),
    })
}

/// The first line of a code block that begins as a shell command does; blocks that show output or
/// a picture have none.
fn first_command(readme: &str) -> Option<&str> {
    let mut in_block = false;
    for line in readme.lines().map(str::trim) {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if in_block && line.starts_with("cargo ") {
            return Some(line);
        }
    }
    None
}

/// What was wrong with a run of `line`, and how long it took.
fn run(around: &mut Surroundings<'_>, line: &str) -> anyhow::Result<(Option<String>, Duration)> {
    let mut shell = at(&around.root, "sh");
    shell.args(["-c", line]).env("XDG_DATA_HOME", &around.data_home);
    for setting in SETTINGS {
        shell.env_remove(setting);
    }
    let begun = Instant::now();
    let mut has_source = false;
    let status = command::run(&mut shell, around.out, &mut |line| {
        has_source |= is_numbered_source(line);
    })?;
    let took = begun.elapsed();
    writeln!(around.out, "took {:.1} s", took.as_secs_f64())?;
    let problem = if !status.success() {
        Some(format!("`{line}` ended with {status}"))
    } else if !has_source {
        Some(format!("`{line}` printed no numbered source"))
    } else if !is_used(&around.data_home) {
        Some(format!("`{line}` kept nothing in XDG_DATA_HOME"))
    } else {
        None
    };
    Ok((problem, took))
}

/// `[1] Annual report, page 3`, or the same with another mark around the number.
fn is_numbered_source(line: &str) -> bool {
    let line = line.trim_start();
    ["[1] ", "1. ", "1) "].iter().any(|mark| line.starts_with(mark))
}

fn is_used(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

fn failed(problem: &str) -> Verdict {
    Verdict::Failed {
        problem: problem.to_owned(),
        advice: "make the README's first command answer from a fresh clone, with its sources \
                 numbered"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::tally::Tally;

    /// What is wrong with a command that stands in for the README's.
    fn problem_of(line: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let mut out = Vec::new();
        let mut around = Surroundings {
            root: folder.path().to_owned(),
            skips: folder.path().join("skips"),
            figures: folder.path().join("figures"),
            data_home: folder.path().join("data"),
            long: false,
            tally: Tally::default(),
            out: &mut out,
        };
        run(&mut around, line).unwrap().0
    }

    #[test]
    fn an_answer_has_a_numbered_source_and_leaves_its_data_where_it_was_told() {
        const KEEP: &str = "mkdir -p \"$XDG_DATA_HOME/assay\"";
        let source = "echo 'Net income rose.'; echo '  [1] Annual report, page 3'";
        assert_eq!(problem_of(&format!("{KEEP}; {source}")), None);
        for (line, problem) in [
            (format!("{KEEP}; {source}; exit 1"), "ended with"),
            (format!("{KEEP}; echo 'no sources'"), "printed no numbered source"),
            (source.to_owned(), "kept nothing"),
        ] {
            let found = problem_of(&line).unwrap();
            assert!(found.contains(problem), "{found}");
        }
    }

    #[test]
    fn the_first_command_is_the_first_alone_on_a_line_of_a_code_block() {
        let readme = "# Assay\ncargo in prose\n```text\na picture\n```\n\n```sh\n\
                      cargo run --release -- ask --company \"3M\" \"Why?\"\n```\n\
                      ```sh\ncargo xtask test\n```\n";
        assert_eq!(
            first_command(readme),
            Some("cargo run --release -- ask --company \"3M\" \"Why?\"")
        );
        assert_eq!(first_command("cargo run\n"), None);
    }
}
