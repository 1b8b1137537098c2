//! The workspace as the rules see it.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// The crates of the workspace, and what Cargo.lock brings in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Workspace {
    pub(crate) crates: Vec<Crate>,
    pub(crate) locked: Vec<Locked>,
}

/// A crate of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crate {
    pub(crate) name: String,
    /// The names of what it and its build script use; its tests may use more.
    pub(crate) dependencies: Vec<String>,
    pub(crate) inherits_lints: bool,
}

/// A package in Cargo.lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Locked {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Workspace {
    /// Reads the workspace at `root`. It needs no network: the manifests and Cargo.lock say it all.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .no_deps()
            .exec()
            .context("cargo metadata")?;
        let crates = metadata.packages.iter().map(Crate::read).collect::<Result<_, _>>()?;
        let lock = root.join("Cargo.lock");
        let lock = fs::read_to_string(&lock).with_context(|| lock.display().to_string())?;
        Ok(Self { crates, locked: locked(&lock) })
    }
}

impl Crate {
    fn read(package: &Package) -> anyhow::Result<Self> {
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

/// The packages of a Cargo.lock, whose form gives each a `name` line followed by a `version` line.
pub(super) fn locked(lock: &str) -> Vec<Locked> {
    let value = |line: &str, key: &str| {
        let value = line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')?;
        Some(value.to_owned())
    };
    let (mut packages, mut named) = (Vec::new(), None);
    for line in lock.lines() {
        if let Some(name) = value(line, "name") {
            named = Some(name);
        } else if let (Some(version), Some(name)) = (value(line, "version"), &named) {
            packages.push(Locked { name: name.clone(), version });
            named = None;
        }
    }
    packages
}
