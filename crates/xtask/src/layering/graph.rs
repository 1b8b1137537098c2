//! The workspace as the rules see it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// The crates of the workspace, and what is built with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Workspace {
    pub(crate) crates: Vec<Crate>,
    pub(crate) built: Vec<Built>,
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Built {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Workspace {
    /// Reads the workspace at `root`. It needs no network: the manifests say it all.
    ///
    /// What is built is asked of cargo: Cargo.lock also has what only features that nobody uses
    /// would bring in, such as ring.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(root.join("Cargo.toml"))
            .no_deps()
            .exec()
            .context("cargo metadata")?;
        let crates = metadata.packages.iter().map(Crate::read).collect::<Result<_, _>>()?;
        let tree = Command::new(env!("CARGO"))
            .args(["tree", "--workspace", "--all-features", "--locked"])
            .args(["--edges", "normal,build,dev", "--prefix", "none", "--format", "{p}"])
            .current_dir(root)
            .output()
            .context("cargo tree")?;
        let said = String::from_utf8_lossy(&tree.stderr);
        anyhow::ensure!(tree.status.success(), "cargo tree: {said}");
        Ok(Self { crates, built: built(&String::from_utf8_lossy(&tree.stdout)) })
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

/// The packages of a `cargo tree`, each a line of its name and `v` with its version; some come more
/// than once.
pub(super) fn built(tree: &str) -> Vec<Built> {
    let packages: BTreeSet<Built> = tree.lines().filter_map(package).collect();
    packages.into_iter().collect()
}

fn package(line: &str) -> Option<Built> {
    let mut words = line.split_whitespace();
    let name = words.next()?.to_owned();
    let version = words.next()?.strip_prefix('v')?.to_owned();
    Some(Built { name, version })
}
