//! Who may depend on whom: the direction that keeps the core free of its surroundings.
//!
//! The rules are tables in [`rules`]; [`graph`] reads the workspace; this file compares the two.
//! Dependencies of tests are free: a test may look at anything.

mod graph;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

pub(crate) use graph::Workspace;
use graph::{Crate, Package};
use rules::{BANNED, CONTRACTS_OUTSIDE, LAYERS, OWNERS, SINGLE};

/// A dependency, or a lack of one, against a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// What was found.
    found: String,
    /// The rule, and its reason.
    rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  rule: {}", self.found, self.rule)
    }
}

/// Everything in `workspace` that is against a rule.
pub(crate) fn violations(workspace: &Workspace) -> Vec<Violation> {
    let members: BTreeSet<&str> = workspace.crates.iter().map(|c| c.name.as_str()).collect();
    let mut found = Vec::new();
    for member in &workspace.crates {
        found.extend(against_direction(member, &members));
        found.extend(against_owners(member));
        found.extend(against_contracts_purity(member, &members));
        found.extend(without_lints(member));
    }
    found.extend(banned(&workspace.built));
    found.extend(doubled(&workspace.built));
    found
}

fn against_direction(member: &Crate, members: &BTreeSet<&str>) -> Vec<Violation> {
    let Some(layer) = LAYERS.iter().find(|layer| layer.member == member.name) else {
        return vec![Violation {
            found: format!("{} has no place in the layering", member.name),
            rule: "every crate has a row in crates/xtask/src/layering/rules.rs, so that its place \
                   is decided and not accidental"
                .to_owned(),
        }];
    };
    let inside = member.dependencies.iter().filter(|name| members.contains(name.as_str()));
    let against = inside.filter(|name| !layer.may_use.contains(&name.as_str()));
    let violation = |name: &String| Violation {
        found: arrow(&member.name, name),
        rule: format!("{} may use {}: {}", member.name, list(layer.may_use), layer.why),
    };
    against.map(violation).collect()
}

fn against_owners(member: &Crate) -> Vec<Violation> {
    let mut found = Vec::new();
    for owner in OWNERS {
        let uses = member.dependencies.iter().any(|name| name == owner.outside);
        if uses && !owner.members.contains(&member.name.as_str()) {
            let members = owner.members.join(" and ");
            let rule = format!("only {members} may use {}: {}", owner.outside, owner.why);
            found.push(Violation { found: arrow(&member.name, owner.outside), rule });
        }
    }
    found
}

fn against_contracts_purity(member: &Crate, members: &BTreeSet<&str>) -> Vec<Violation> {
    if member.name != "contracts" {
        return Vec::new();
    }
    let outside = member.dependencies.iter().filter(|name| !members.contains(name.as_str()));
    let against = outside.filter(|name| !CONTRACTS_OUTSIDE.contains(&name.as_str()));
    let rule = format!(
        "contracts may use {} from outside: what crosses a process boundary knows no runtime, no \
         web framework and no database",
        list(CONTRACTS_OUTSIDE)
    );
    against.map(|name| Violation { found: arrow("contracts", name), rule: rule.clone() }).collect()
}

fn without_lints(member: &Crate) -> Option<Violation> {
    (!member.inherits_lints).then(|| Violation {
        found: format!("{} does not inherit the workspace's lints", member.name),
        rule: "every Cargo.toml says `[lints] workspace = true`: a lint that one crate escapes \
               holds nowhere"
            .to_owned(),
    })
}

fn banned(built: &[Package]) -> Vec<Violation> {
    let mut found = Vec::new();
    for ban in BANNED {
        let matches = |package: &&Package| {
            package.name == ban.outside && package.version.starts_with(ban.version_prefix)
        };
        for package in built.iter().filter(matches) {
            found.push(Violation {
                found: format!("{} {} is built", package.name, package.version),
                rule: format!("{} stays out: {}", ban.outside, ban.why),
            });
        }
    }
    found
}

fn doubled(built: &[Package]) -> Vec<Violation> {
    let mut found = Vec::new();
    for single in SINGLE {
        let versions = built.iter().filter(|package| package.name == single.outside);
        let versions: Vec<&str> = versions.map(|package| package.version.as_str()).collect();
        if versions.len() > 1 {
            found.push(Violation {
                found: format!("{} is built as {}", single.outside, versions.join(", ")),
                rule: format!("one {}: {}", single.outside, single.why),
            });
        }
    }
    found
}

fn arrow(from: &str, to: &str) -> String {
    format!("{from} -> {to}")
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "no other crate of the workspace".to_owned() } else { names.join(", ") }
}
