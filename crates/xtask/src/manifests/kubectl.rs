//! `kubectl kustomize`, which renders and asks no cluster.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde::Deserialize;

use super::Unavailable;

/// The first kustomize with `replacements`, `labels` and `components` as they are used here.
const KUSTOMIZE_MIN: u32 = 5;
/// Where to get it.
const ADVICE: &str = "install kubectl 1.27 or newer, which has Kustomize 5 \
                      (https://kubernetes.io/docs/tasks/tools/)";
/// What one run may take, in seconds.
const RUN_MAX_S: &str = "60";

/// A kubectl that is new enough.
pub(super) struct Kubectl<'p> {
    program: &'p str,
    /// Of its kustomize, such as `v5.5.0`.
    pub(super) kustomize: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Versions {
    /// Those before 1.24 do not tell.
    #[serde(default)]
    kustomize_version: String,
}

impl<'p> Kubectl<'p> {
    /// Asks `program` for its version.
    ///
    /// # Errors
    /// [`Unavailable`] if it is not there, or too old.
    pub(super) fn find(program: &'p str) -> Result<Self, Unavailable> {
        let unavailable = |reason: String| Unavailable { reason, advice: ADVICE };
        let mut command = Command::new(program);
        command.args(["version", "--client", "--output", "json"]).stdin(Stdio::null());
        let output = match command.output() {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(unavailable("kubectl is not installed".to_owned()));
            }
            Err(error) => return Err(unavailable(format!("kubectl cannot be started: {error}"))),
        };
        let versions: Option<Versions> = serde_json::from_slice(&output.stdout).ok();
        let kustomize = versions.map(|versions| versions.kustomize_version).unwrap_or_default();
        let major = kustomize.trim_start_matches('v').split('.').next();
        match major.and_then(|major| major.parse::<u32>().ok()) {
            Some(major) if major >= KUSTOMIZE_MIN => Ok(Self { program, kustomize }),
            Some(_) => {
                Err(unavailable(format!("kubectl is too old: it has Kustomize {kustomize}")))
            }
            None => Err(unavailable("kubectl is too old: it does not tell its Kustomize".into())),
        }
    }

    /// What the kustomization in `folder` makes, as YAML. The inner error is what kubectl says of
    /// one that it cannot render, or warns of: what is deprecated in one kustomize is unknown to a
    /// later one.
    ///
    /// # Errors
    /// If kubectl cannot be started.
    pub(super) fn render(&self, folder: &Path) -> anyhow::Result<Result<String, String>> {
        let mut command = Command::new("timeout");
        command.args([RUN_MAX_S, self.program, "kustomize"]).arg(folder).stdin(Stdio::null());
        let output = command.output().context("kubectl cannot be started")?;
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if output.status.success() && said.is_empty() {
            return Ok(Ok(String::from_utf8(output.stdout).context("kubectl's output")?));
        }
        Ok(Err(format!("{}: {said}", output.status)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::*;

    /// A kubectl that answers with this.
    fn kubectl(folder: &Path, answer: &str) -> PathBuf {
        let program = folder.join("kubectl");
        fs::write(&program, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    #[test]
    fn a_kubectl_that_is_missing_or_older_is_refused_with_advice() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("kubectl");
        let refusal = |program: &Path| match Kubectl::find(program.to_str().unwrap()) {
            Ok(found) => panic!("{} is accepted", found.kustomize),
            Err(unavailable) => unavailable.to_string(),
        };
        let said = refusal(&absent);
        assert!(said.contains("not installed") && said.contains("1.27 or newer"), "{said}");
        for (answer, reason) in [
            (r#"{"kustomizeVersion": "v4.5.7"}"#, "it has Kustomize v4.5.7"),
            (r#"{"clientVersion": {"minor": "20"}}"#, "does not tell"),
            ("error: unknown flag", "does not tell"),
        ] {
            let said = refusal(&kubectl(folder.path(), answer));
            assert!(said.contains(reason) && said.contains("1.27 or newer"), "{said}");
        }
        let program = kubectl(folder.path(), r#"{"kustomizeVersion": "v5.0.1"}"#);
        assert!(Kubectl::find(program.to_str().unwrap()).is_ok());
    }
}
