//! The program of the former release, built from the history of this checkout.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use testkit::skip;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// Names the commit, beneath the checkout.
const COMMIT: &str = "deploy/previous-release";
/// Where it is built, beneath the target folder.
const BUILT: &str = "former-release";

/// The commit that it was made of.
pub(super) fn commit() -> String {
    fs::read_to_string(Path::new(ROOT).join(COMMIT)).unwrap().trim().to_owned()
}

/// The program, in the profile that this test has. It is kept: only the first call for a commit
/// builds it, which takes minutes.
///
/// `None`, after saying why, if the commit is not in this checkout.
pub(super) fn program() -> Option<PathBuf> {
    let (root, commit) = (Path::new(ROOT), commit());
    let name = format!("{commit}^{{commit}}");
    if !git(root, &["cat-file", "-e", &name]).status().is_ok_and(|status| status.success()) {
        skip(&format!(
            "the former release, {commit}, is not in this clone: `git fetch --unshallow` gets it"
        ));
        return None;
    }
    let ours = Path::new(env!("CARGO_BIN_EXE_assay"));
    let profile = ours.parent().unwrap();
    let target = profile.parent().unwrap().join(BUILT);
    let profile = profile.file_name().unwrap();
    let kept = target.join(format!("assay-{commit}-{}", profile.display()));
    if kept.exists() {
        return Some(kept);
    }
    let tree = WorkTree::of(root, &commit);
    let mut build = Command::new("cargo");
    build.args(["build", "--locked", "--features", "fleet"]).current_dir(&tree.path);
    if profile != "debug" {
        build.arg("--profile").arg(profile);
    }
    run(build.env("CARGO_TARGET_DIR", &target));
    // Whole under its name, or not there at all.
    let half = kept.with_extension("half");
    fs::copy(target.join(profile).join("assay"), &half).unwrap();
    fs::rename(&half, &kept).unwrap();
    Some(kept)
}

/// A second work tree of this checkout, in a temporary folder. Dropping it removes it.
struct WorkTree<'a> {
    root: &'a Path,
    path: PathBuf,
    _dir: TempDir,
}

impl<'a> WorkTree<'a> {
    fn of(root: &'a Path, commit: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("assay");
        run(git(root, &["worktree", "add", "--quiet", "--detach"]).arg(&path).arg(commit));
        Self { root, path, _dir: dir }
    }
}

impl Drop for WorkTree<'_> {
    fn drop(&mut self) {
        // What is left behind if this fails is forgotten by `git worktree prune`.
        let _ = git(self.root, &["worktree", "remove", "--force"]).arg(&self.path).status();
    }
}

fn git(root: &Path, arguments: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(arguments);
    git
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
