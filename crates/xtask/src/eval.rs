//! `cargo xtask eval`: how well retrieval finds what is known to be there.

use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context as _;
use clap::Args;

/// What the folder must hold: questions with their evidence, and the pages of the filings.
const FILES: [&str; 2] = ["questions.jsonl", "pages.jsonl.gz"];

/// What to evaluate.
#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    /// A folder with questions.jsonl and pages.jsonl.gz.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Prints JSON instead of a table, alone on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs the evaluation in the release profile. Its report is this program's stdout; progress, and
/// what keeps it from being made, are on stderr.
///
/// A file that is absent is said before anything is built.
///
/// # Errors
/// If cargo cannot be started.
pub(crate) fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    let folder = match checked(&args.folder) {
        Ok(folder) => folder,
        Err(absent) => {
            // No error of this program, so without the backtrace of one.
            writeln!(stderr(), "error: {absent:#}")?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let root = crate::repository().canonicalize().context("the checkout is gone")?;
    let mut cargo = Command::new("cargo");
    // The crate is a tool of its own, because this one may use none of ours.
    cargo.current_dir(root).args(["run", "--release", "--locked", "--package", "evaluation", "--"]);
    cargo.args(args.json.then_some("--json")).arg(folder).stdin(Stdio::null());
    let status = cargo.status().context("cargo cannot be started")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The folder by its full path, if it has the files.
fn checked(folder: &Path) -> anyhow::Result<PathBuf> {
    anyhow::ensure!(folder.is_dir(), "there is no folder {}", folder.display());
    for file in FILES.map(|name| folder.join(name)) {
        anyhow::ensure!(
            file.is_file(),
            "there is no {}: the folder needs {}",
            file.display(),
            FILES.join(" and ")
        );
    }
    Ok(folder.canonicalize()?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{FILES, checked};

    #[test]
    fn what_is_absent_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = |path| format!("{:#}", checked(path).unwrap_err());
        let absent = folder.path().join("absent");
        assert!(refusal(&absent).contains("there is no folder"));
        for file in FILES {
            let path = folder.path().join(file);
            assert!(refusal(folder.path()).contains(&path.display().to_string()));
            fs::write(path, "").unwrap();
        }
        assert!(checked(folder.path()).is_ok());
    }
}
