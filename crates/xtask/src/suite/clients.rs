//! The packages that example clients, the checks from outside and a server of tools are made of: from PyPI and
//! npm, each pinned with its hash, kept in `clients` beneath the target folder.
//!
//! Where they cannot be had the tests that need them skip themselves.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use cargo_metadata::MetadataCommand;

use super::{Surroundings, Verdict};

/// A set of packages: the folder that it is installed in, and the folder of its lock file.
struct Set {
    name: &'static str,
    source: &'static str,
    registry: Registry,
}

#[derive(Debug, Clone, Copy)]
enum Registry {
    PyPi,
    Npm,
}

const SETS: [Set; 5] = [
    Set { name: "clients-python", source: "examples/clients/python", registry: Registry::PyPi },
    Set { name: "clients-node", source: "examples/clients/node", registry: Registry::Npm },
    Set { name: "checks-python", source: "crates/assay/tests/checks", registry: Registry::PyPi },
    Set {
        name: "tools-python",
        source: "crates/adapter-tools/tests/servers",
        registry: Registry::PyPi,
    },
    Set { name: "checks-node", source: "crates/assay/tests/checks", registry: Registry::Npm },
];

/// What one run of an installer may take, in seconds.
const INSTALL_MAX_S: &str = "300";
/// Holds the lock file that a set was installed from; written last.
const STAMP: &str = "installed";

/// Installs what is missing or pinned otherwise by now.
pub(super) fn check(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    let home = home(&around.root)?;
    let output = around.skips.with_file_name("installers");
    let mut missing = Vec::new();
    for set in &SETS {
        let source = around.root.join(set.source);
        let folder = home.join(set.name);
        let lock = source.join(set.registry.lock());
        let lock = fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
        if fs::read_to_string(folder.join(STAMP)).is_ok_and(|installed| installed == lock) {
            continue;
        }
        writeln!(around.out, "installing {}", set.name)?;
        remove(&folder)?;
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        if set.registry.install(&source, &folder, &output)? {
            fs::write(folder.join(STAMP), lock).context("the stamp of installed packages")?;
        } else {
            missing.push(set.name);
        }
    }
    if missing.is_empty() {
        return Ok(Verdict::Passed);
    }
    write!(around.out, "{}", fs::read_to_string(&output).unwrap_or_default())?;
    Ok(Verdict::Skipped { reason: wanted(&missing) })
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

fn wanted(missing: &[&str]) -> String {
    format!(
        "{} not installed, and tests that need them skip themselves (python3 with venv, npm, and \
         their registries are needed)",
        missing.join(", ")
    )
}

impl Registry {
    const fn lock(self) -> &'static str {
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
    fn every_package_is_pinned_with_its_hash() {
        for set in &SETS {
            let path = crate::repository().join(set.source).join(set.registry.lock());
            let lock = fs::read_to_string(path).unwrap();
            match set.registry {
                Registry::PyPi => {
                    for pinned in lock.split("\n    # via").filter(|part| part.contains("==")) {
                        assert!(pinned.contains("--hash=sha256:"), "{pinned}");
                    }
                }
                Registry::Npm => {
                    let packages = lock.matches("\"node_modules/").count();
                    assert_eq!(lock.matches("\"integrity\": \"sha512-").count(), packages);
                }
            }
            // A lock that names a registry's address works behind no mirror of it.
            assert!(!lock.contains("\"resolved\"") && !lock.contains("index-url"));
        }
    }

    #[test]
    fn an_installer_that_is_missing_or_fails_is_told_apart_from_one_that_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output");
        assert!(succeeds(&mut bounded("true"), &output).unwrap());
        assert!(!succeeds(&mut bounded("false"), &output).unwrap());
        assert!(!succeeds(&mut bounded("no-such-installer"), &output).unwrap());
    }
}
