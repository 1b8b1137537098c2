//! The programs that tests start: a database, a broker, readers of PDF and of a compose file,
//! another time of day.
//!
//! On a Debian machine that it may change, what is missing is installed. Elsewhere the tests that
//! need it skip themselves, and this says what to install.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use super::{Surroundings, Verdict};

/// A program, and where to get it.
struct Program {
    name: &'static str,
    /// The Debian package that has it.
    package: &'static str,
    /// Where that package puts it: a folder, any of its entries, and a path in that one.
    place: Place,
}

enum Place {
    /// In a folder a version, such as `/usr/lib/postgresql/15/bin/initdb`.
    Versioned(&'static str, &'static str),
    OnPath,
}

const PROGRAMS: [Program; 6] = [
    Program {
        name: "initdb",
        package: "postgresql",
        place: Place::Versioned("usr/lib/postgresql", "bin/initdb"),
    },
    Program {
        name: "rabbitmq-server",
        package: "rabbitmq-server",
        place: Place::Versioned("usr/lib/rabbitmq/lib", "sbin/rabbitmq-server"),
    },
    Program { name: "pdftotext", package: "poppler-utils", place: Place::OnPath },
    // It reads docker-compose.yml; it does so without Docker, which it only recommends.
    Program { name: "docker-compose", package: "docker-compose", place: Place::OnPath },
    Program { name: "faketime", package: "faketime", place: Place::OnPath },
    // It comes with the server, which nobody starts.
    Program { name: "promtool", package: "prometheus", place: Place::OnPath },
];

/// What one run of apt-get may take, in seconds.
const APT_MAX_S: &str = "600";
/// Asked by Debian's packages before they start a service; 101 means no.
const POLICY: &str = "/usr/sbin/policy-rc.d";
/// How much of apt-get's output is shown when it fails.
const OUTPUT_LINES_MAX: usize = 30;

/// Installs what is missing, if it may.
pub(super) fn check(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    let missing = missing(Path::new("/"));
    if missing.is_empty() {
        return Ok(Verdict::Passed);
    }
    if !may_install() {
        return Ok(Verdict::Skipped { reason: wanted(&missing) });
    }
    let packages: Vec<&str> = missing.iter().map(|program| program.package).collect();
    writeln!(around.out, "installing {}", packages.join(", "))?;
    let output = around.skips.with_file_name("apt-get");
    let installed = {
        let _policy = NoServices::begin()?;
        // The lists of packages may be missing, or older than the archive.
        apt_get(&output, "install", &packages)?
            || (apt_get(&output, "update", &[])? && apt_get(&output, "install", &packages)?)
    };
    if installed && self::missing(Path::new("/")).is_empty() {
        return Ok(Verdict::Passed);
    }
    writeln!(around.out, "{}", last_lines(&fs::read_to_string(&output).unwrap_or_default()))?;
    Ok(Verdict::Skipped { reason: wanted(&missing) })
}

/// The programs that are not there, as seen from the folder `root`.
fn missing(root: &Path) -> Vec<&'static Program> {
    PROGRAMS.iter().filter(|program| !program.is_in(root)).collect()
}

impl Program {
    fn is_in(&self, root: &Path) -> bool {
        match self.place {
            Place::Versioned(folder, path) => {
                fs::read_dir(root.join(folder)).is_ok_and(|mut versions| {
                    versions.any(|version| {
                        version.is_ok_and(|version| version.path().join(path).is_file())
                    })
                })
            }
            Place::OnPath => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                std::env::split_paths(&path).any(|folder| {
                    let below = folder.strip_prefix("/").unwrap_or(&folder);
                    root.join(below).join(self.name).is_file()
                })
            }
        }
    }
}

fn wanted(missing: &[&Program]) -> String {
    let names: Vec<&str> = missing.iter().map(|program| program.name).collect();
    let packages: Vec<&str> = missing.iter().map(|program| program.package).collect();
    format!(
        "{} not found, and tests that need it skip themselves (`apt-get install {}`)",
        names.join(", "),
        packages.join(" ")
    )
}

/// Whether this is root, on a machine with apt-get.
fn may_install() -> bool {
    let says = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    says("id", "-u").as_deref() == Some("0") && says("apt-get", "--version").is_some()
}

/// Runs apt-get, with its output at the end of a file; whether it succeeded.
fn apt_get(output: &Path, verb: &str, packages: &[&str]) -> anyhow::Result<bool> {
    let file = OpenOptions::new().create(true).append(true).open(output);
    let file = file.with_context(|| output.display().to_string())?;
    let status = Command::new("timeout")
        .args([APT_MAX_S, "apt-get", "-y", "--no-install-recommends", verb])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(file.try_clone().context("apt-get's output")?)
        .stderr(file)
        .status()
        .context("apt-get cannot be started")?;
    Ok(status.success())
}

/// While it lives, packages that are installed start no service, unless the machine has a policy
/// of its own.
struct NoServices {
    made: Option<PathBuf>,
}

impl NoServices {
    fn begin() -> anyhow::Result<Self> {
        let file = File::options().write(true).create_new(true).mode(0o755).open(POLICY);
        match file {
            Ok(mut file) => {
                let policy = Self { made: Some(POLICY.into()) };
                file.write_all(b"#!/bin/sh\nexit 101\n").context(POLICY)?;
                Ok(policy)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Self { made: None }),
            Err(error) => Err(error).context(POLICY),
        }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(made) = &self.made {
            // What cannot be removed forbids services, which an operator would notice and mend.
            let _ = fs::remove_file(made);
        }
    }
}

fn last_lines(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    lines[lines.len().saturating_sub(OUTPUT_LINES_MAX)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_the_packages_that_have_it() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(missing(root.path()).len(), PROGRAMS.len());
        let bin = root.path().join("usr/lib/postgresql/15/bin");
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("initdb"), "").unwrap();
        let reason = wanted(&missing(root.path()));
        let names = "rabbitmq-server, pdftotext, docker-compose, faketime, promtool not found";
        assert!(reason.starts_with(names), "{reason}");
        let packages = "`apt-get install rabbitmq-server poppler-utils docker-compose faketime \
                        prometheus`";
        assert!(reason.contains(packages), "{reason}");
    }

    #[test]
    fn the_end_of_a_long_output_is_shown() {
        let output: Vec<String> = (0..100).map(|line| line.to_string()).collect();
        let shown = last_lines(&output.join("\n"));
        assert!(shown.starts_with("70\n") && shown.ends_with("\n99"), "{shown}");
    }
}
