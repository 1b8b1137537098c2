//! What `cargo xtask test` installed for clients and checks.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::process::Command;

/// A path in the checkout.
pub(crate) fn checkout(path: impl AsRef<Path>) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

pub(super) fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The Python of a set of packages; `None`, after saying why, where it is not installed.
pub(super) fn python(set: &str, source: &str) -> Option<Command> {
    let folder = installed(set, &checkout(source).join("requirements.txt"))?;
    let mut command = Command::new(folder.join("bin/python"));
    // Nothing is written beside the sources, and no proxy stands before the loopback interface.
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("NO_PROXY", "127.0.0.1");
    Some(command)
}

/// An example for Node, in a folder where it finds its packages; `None`, after saying why, where
/// they are not installed.
pub(super) fn node_program(program: &str) -> Option<(Command, TempDir)> {
    let source = checkout("examples/clients/node");
    let packages = installed("clients-node", &source.join("package-lock.json"))?;
    let folder = tempfile::tempdir().unwrap();
    for file in [program, "job.mjs", "package.json"] {
        fs::copy(source.join(file), folder.path().join(file)).unwrap();
    }
    let packages = packages.join("node_modules");
    std::os::unix::fs::symlink(packages, folder.path().join("node_modules")).unwrap();
    let mut command = Command::new("node");
    command.arg(folder.path().join(program));
    Some((command, folder))
}

/// The folder of a set of packages that was installed from this lock file.
pub(crate) fn installed(set: &str, lock: &Path) -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let folder = target.join("clients").join(set);
    let stamp = fs::read_to_string(folder.join("installed")).unwrap_or_default();
    if stamp == fs::read_to_string(lock).unwrap() {
        return Some(folder);
    }
    testkit::skip(&format!("{set} is not installed (`cargo xtask test --only clients`)"));
    None
}
