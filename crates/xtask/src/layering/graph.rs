//! The workspace as the rules see it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, MetadataCommand};

/// The crates of the workspace, and what is built for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Workspace {
    pub(crate) crates: Vec<Crate>,
    pub(crate) built: Vec<Package>,
}

/// A crate of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// The names of what it and its build script use; its tests may use more.
    pub(crate) dependencies: Vec<String>,
    pub(crate) inherits_lints: bool,
}

/// A package that is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Workspace {
    /// Reads the workspace at `root`. It needs no network where the workspace was built before.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .no_deps()
            .exec()
            .context("cargo metadata")?;
        let crates = metadata.packages.iter().map(Crate::read).collect::<Result<_, _>>()?;
        Ok(Self { crates, built: built(&tree(root)?) })
    }
}

impl Crate {
    fn read(package: &cargo_metadata::Package) -> anyhow::Result<Self> {
        let used = package.dependencies.iter().filter(|dependency| match dependency.kind {
            DependencyKind::Development => false,
            DependencyKind::Normal | DependencyKind::Build | DependencyKind::Unknown => true,
        });
        let manifest = fs::read_to_string(&package.manifest_path)
            .with_context(|| package.manifest_path.to_string())?;
        Ok(Self {
            name: package.name.to_string(),
            dependencies: used.map(|dependency| dependency.name.clone()).collect(),
            inherits_lints: inherits_lints(&manifest),
        })
    }
}

/// Whether a manifest has `workspace = true` in its `[lints]`. `cargo metadata` does not say.
pub(super) fn inherits_lints(manifest: &str) -> bool {
    let lines = manifest.lines().map(|line| line.replace(' ', ""));
    let mut section = lines.skip_while(|line| line != "[lints]").skip(1);
    section.by_ref().take_while(|line| !line.starts_with('[')).any(|line| line == "workspace=true")
}

/// What cargo builds here, a package a line. Cargo.lock is no answer: it also holds what features
/// that nobody enables would bring in, and what other platforms need; cargo-deny looks at those.
fn tree(root: &Path) -> anyhow::Result<String> {
    let output = Command::new("cargo")
        .current_dir(root)
        .args(["tree", "--workspace", "--locked", "--edges", "normal,build,dev"])
        .args(["--prefix", "none", "--format", "{p}"])
        .output()
        .context("cargo tree")?;
    let problem = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "cargo tree: {problem}");
    String::from_utf8(output.stdout).context("cargo tree")
}

/// The packages of a tree whose lines begin with a name and a version, such as `h2 v0.4.12`.
pub(super) fn built(tree: &str) -> Vec<Package> {
    let mut packages = Vec::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
        let Some(version) = version.strip_prefix('v') else { continue };
        let package = Package { name: name.to_owned(), version: version.to_owned() };
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    packages
}
