//! The schemas of Kubernetes, strictly: a field that they do not have is refused.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::Context as _;
use serde_json::Value;

use super::Unavailable;
use crate::packages::{Registry, Set};

/// What the schemas come with.
pub(crate) const PACKAGES: Set =
    Set { name: "manifests-python", source: "deploy/kubernetes/checks", registry: Registry::PyPi };

/// The releases of Kubernetes whose schemas hold: the oldest that the manifests are for, and the
/// newest that the pinned package knows. The oldest is the first in which a pause before the end of
/// a container (`preStop.sleep`) is stable.
pub(super) const RELEASES: [&str; 2] = ["1.34", "1.37"];

/// What one run may take, in seconds.
const RUN_MAX_S: &str = "120";
const ADVICE: &str = "install python3 with venv, and let pip reach its registry";

/// The schemas, installed.
pub(super) struct Schemas {
    python: PathBuf,
    program: PathBuf,
}

impl Schemas {
    /// Installs them if they are missing.
    ///
    /// # Errors
    /// If that cannot be tried. The inner error says that it failed.
    pub(super) fn install(
        root: &Path,
        out: &mut dyn std::io::Write,
    ) -> anyhow::Result<Result<Self, Unavailable>> {
        let output = tempfile::NamedTempFile::new().context("a file for an installer's output")?;
        let folder = PACKAGES.installed(root, output.path(), out)?;
        let said = std::fs::read_to_string(output.path()).unwrap_or_default();
        let reason = format!("kubernetes-validate cannot be installed\n{}", said.trim());
        Ok(folder
            .map(|folder| Self::of(root, &folder))
            .ok_or(Unavailable { reason: reason.trim().to_owned(), advice: ADVICE }))
    }

    pub(super) fn of(root: &Path, folder: &Path) -> Self {
        Self {
            python: folder.join("bin/python"),
            program: root.join(PACKAGES.source).join("validate.py"),
        }
    }

    /// What is wrong with each of `values`, in their order. All go through one process, because
    /// most of its time is its start.
    ///
    /// # Errors
    /// If the process fails.
    pub(super) fn complaints<'v>(
        &self,
        values: impl Iterator<Item = &'v Value>,
        releases: &[&str],
    ) -> anyhow::Result<Vec<Vec<String>>> {
        let mut input = Vec::new();
        let mut asked = 0;
        for value in values {
            serde_json::to_writer(&mut input, value).context("a document as JSON")?;
            input.push(b'\n');
            asked += 1;
        }
        let mut command = Command::new("timeout");
        command.arg(RUN_MAX_S).arg(&self.python).arg("-I").arg(&self.program).args(releases);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("python cannot be started")?;
        let mut stdin = child.stdin.take().context("python's input")?;
        // Beside reading, so that neither side waits for the other with a full pipe. What cannot be
        // written shows in the number of answers.
        let writer = thread::spawn(move || stdin.write_all(&input).is_ok());
        let output = child.wait_with_output().context("python was lost")?;
        let is_written = writer.join().unwrap_or(false);
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success() && is_written, "the schemas: {}", said.trim());
        let answers = String::from_utf8(output.stdout).context("python's output")?;
        let answers: Result<Vec<_>, _> = answers.lines().map(serde_json::from_str).collect();
        let answers = answers.context("python's answers")?;
        anyhow::ensure!(answers.len() == asked, "{} of {asked} were answered", answers.len());
        Ok(answers)
    }
}
