//! The packages that example clients, the checks from outside and a server of tools are made of.
//!
//! Where they cannot be had the tests that need them skip themselves.

use std::fs;

use super::{Surroundings, Verdict};
use crate::packages::{Registry, Set};

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

/// Installs what is missing or pinned otherwise by now.
pub(super) fn check(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    let output = around.skips.with_file_name("installers");
    let mut missing = Vec::new();
    for set in &SETS {
        if set.installed(&around.root, &output, around.out)?.is_none() {
            missing.push(set.name);
        }
    }
    if missing.is_empty() {
        return Ok(Verdict::Passed);
    }
    write!(around.out, "{}", fs::read_to_string(&output).unwrap_or_default())?;
    Ok(Verdict::Skipped { reason: wanted(&missing) })
}

fn wanted(missing: &[&str]) -> String {
    format!(
        "{} not installed, and tests that need them skip themselves (python3 with venv, npm, and \
         their registries are needed)",
        missing.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned_with_its_hash() {
        for set in SETS.iter().chain([&crate::manifests::PACKAGES]) {
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
}
