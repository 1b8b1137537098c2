//! Packages from PyPI and npm that checks are written with: each pinned with its hash, kept in
//! `clients` beneath the target folder.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use cargo_metadata::MetadataCommand;

/// A set of packages: the folder that it is installed in, and the folder of its lock file.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
    pub(crate) registry: Registry,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Registry {
    PyPi,
    Npm,
}

/// What one run of an installer may take, in seconds.
const INSTALL_MAX_S: &str = "300";
/// Holds the lock file that a set was installed from; written last.
const STAMP: &str = "installed";

impl Set {
    /// The folder of the set, if it is installed as it is pinned now.
    ///
    /// # Errors
    /// If its lock file cannot be read.
    #[cfg(test)]
    pub(crate) fn folder_if_installed(&self, root: &Path) -> anyhow::Result<Option<PathBuf>> {
        let folder = home(root)?.join(self.name);
        Ok(is_installed(&folder, &self.lock(root)?).then_some(folder))
    }

    /// Installs the set where it is missing or pinned otherwise by now: its folder, or `None` if it
    /// cannot be had. What the installers say is added to the file `output`.
    pub(crate) fn installed(
        &self,
        root: &Path,
        output: &Path,
        out: &mut dyn Write,
    ) -> anyhow::Result<Option<PathBuf>> {
        let folder = home(root)?.join(self.name);
        let lock = self.lock(root)?;
        if is_installed(&folder, &lock) {
            return Ok(Some(folder));
        }
        writeln!(out, "installing {}", self.name)?;
        remove(&folder)?;
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        if !self.registry.install(&root.join(self.source), &folder, output)? {
            return Ok(None);
        }
        fs::write(folder.join(STAMP), lock).context("the stamp of installed packages")?;
        Ok(Some(folder))
    }

    /// What its lock file says.
    fn lock(&self, root: &Path) -> anyhow::Result<String> {
        let lock = root.join(self.source).join(self.registry.lock());
        fs::read_to_string(&lock).with_context(|| lock.display().to_string())
    }
}

fn is_installed(folder: &Path, lock: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|installed| installed == lock)
}

/// Where the packages are kept: beneath the target folder, so that `cargo clean` removes them.
fn home(root: &Path) -> anyhow::Result<PathBuf> {
    let mut metadata = MetadataCommand::new();
    let metadata = metadata.manifest_path(root.join("Cargo.toml")).no_deps().exec();
    let target = metadata.context("cargo metadata")?.target_directory;
    Ok(target.into_std_path_buf().join("clients"))
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| folder.display().to_string())
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Registry {
    pub(crate) const fn lock(self) -> &'static str {
        match self {
            Self::PyPi => "requirements.txt",
            Self::Npm => "package-lock.json",
        }
    }

    /// Installs a set; whether it succeeded. No package runs code of its own meanwhile.
    fn install(self, source: &Path, folder: &Path, output: &Path) -> anyhow::Result<bool> {
        match self {
            Self::PyPi => {
                let mut venv = bounded("python3");
                let mut pip = bounded(&folder.join("bin/pip").display().to_string());
                pip.args(["install", "--quiet", "--require-hashes", "--only-binary", ":all:"]);
                pip.arg("--requirement").arg(source.join(self.lock()));
                Ok(succeeds(venv.args(["-m", "venv"]).arg(folder), output)?
                    && succeeds(&mut pip, output)?)
            }
            Self::Npm => {
                for file in ["package.json", self.lock()] {
                    fs::copy(source.join(file), folder.join(file)).context(file)?;
                }
                let mut npm = bounded("npm");
                npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
                succeeds(npm.current_dir(folder), output)
            }
        }
    }
}

fn bounded(program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args([INSTALL_MAX_S, program]);
    command
}

/// Runs an installer, with its output at the end of a file; whether it succeeded. One that is not
/// there fails, too.
fn succeeds(installer: &mut Command, output: &Path) -> anyhow::Result<bool> {
    let file = fs::OpenOptions::new().create(true).append(true).open(output);
    let file = file.with_context(|| output.display().to_string())?;
    let status = installer
        .stdin(Stdio::null())
        .stdout(file.try_clone().context("an installer's output")?)
        .stderr(file)
        .status()
        .context("timeout cannot be started")?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installer_that_is_missing_or_fails_is_told_apart_from_one_that_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output");
        assert!(succeeds(&mut bounded("true"), &output).unwrap());
        assert!(!succeeds(&mut bounded("false"), &output).unwrap());
        assert!(!succeeds(&mut bounded("no-such-installer"), &output).unwrap());
    }
}
