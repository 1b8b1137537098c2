use super::graph::{Crate, Package, Workspace, built, inherits_lints};
use super::violations;
use crate::repository;

fn member(name: &str, dependencies: &[&str]) -> Crate {
    let dependencies = dependencies.iter().map(|name| (*name).to_owned()).collect();
    Crate { name: name.to_owned(), dependencies, inherits_lints: true }
}

fn package(name: &str, version: &str) -> Package {
    Package { name: name.to_owned(), version: version.to_owned() }
}

/// A workspace that keeps every rule.
fn good() -> Workspace {
    Workspace {
        crates: vec![
            member("contracts", &["serde", "uuid"]),
            member("engine", &["contracts", "backoff", "tokio"]),
            member("adapter-embedded", &["contracts", "engine", "rusqlite", "refinery"]),
            member("adapter-retrieval", &["contracts", "engine", "tantivy"]),
            member("telemetry", &["tracing"]),
            member("api", &["contracts", "engine", "actix-web", "actix-ws"]),
            member("worker", &["contracts", "engine"]),
            member("testkit", &["contracts", "engine"]),
            member("assay", &["adapter-embedded", "api", "engine", "telemetry", "worker"]),
            member("xtask", &["clap"]),
        ],
        built: vec![package("h2", "0.4.12"), package("rusqlite", "0.41.1")],
    }
}

#[test]
fn this_workspace_keeps_every_rule() {
    let found = violations(&Workspace::read(&repository()).unwrap());
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_good_workspace_has_no_violation() {
    assert_eq!(violations(&good()), []);
}

#[test]
fn every_dependency_against_a_rule_is_found_with_the_rule() {
    for (from, to, rule) in [
        ("contracts", "engine", "contracts may use no other crate of the workspace"),
        ("contracts", "tokio", "knows no runtime"),
        ("contracts", "telemetry", "contracts may use no other crate of the workspace"),
        ("engine", "opentelemetry", "only telemetry may use opentelemetry"),
        ("engine", "api", "engine may use contracts, telemetry"),
        ("engine", "rusqlite", "only adapter-embedded may use rusqlite"),
        ("adapter-embedded", "adapter-retrieval", "knows no other adapter"),
        ("adapter-embedded", "backoff", "only engine may use backoff"),
        (
            "adapter-retrieval",
            "refinery",
            "only adapter-embedded and adapter-postgres may use refinery",
        ),
        ("api", "worker", "not each other"),
        ("worker", "api", "not each other"),
        ("api", "adapter-embedded", "ports alone"),
        ("api", "opentelemetry", "only telemetry may use opentelemetry"),
        ("worker", "tantivy", "only adapter-retrieval may use tantivy"),
        ("telemetry", "engine", "telemetry may use contracts"),
        ("testkit", "adapter-embedded", "written against ports"),
        ("assay", "testkit", "test code is no part of it"),
        ("assay", "actix-web", "only api may use actix-web"),
        ("assay", "tokio-postgres", "only adapter-postgres may use tokio-postgres"),
        ("assay", "lapin", "only adapter-rabbitmq may use lapin"),
        ("xtask", "contracts", "while the rest does not"),
    ] {
        let mut workspace = good();
        let member = workspace.crates.iter_mut().find(|member| member.name == from).unwrap();
        member.dependencies.push(to.to_owned());
        let found: Vec<String> = violations(&workspace).iter().map(ToString::to_string).collect();
        let [only] = &found[..] else { panic!("{from} -> {to}: {found:?}") };
        assert!(only.starts_with(&format!("{from} -> {to}\n")) && only.contains(rule), "{only}");
    }
}

#[test]
fn a_crate_without_a_place_or_without_lints_is_found() {
    let mut workspace = good();
    workspace.crates.push(member("helpers", &[]));
    workspace.crates[0].inherits_lints = false;
    let found: Vec<String> = violations(&workspace).iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("contracts does not inherit the workspace's lints"));
    assert!(found[1].starts_with("helpers has no place in the layering"));
}

#[test]
fn what_must_not_be_in_the_tree_is_found_in_what_is_built() {
    for (name, version) in
        [("h2", "0.3.27"), ("ring", "0.17.14"), ("openssl", "0.10.1"), ("rusqlite", "0.40.0")]
    {
        let mut workspace = good();
        workspace.built.push(package(name, version));
        let found = violations(&workspace);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].to_string().contains(version), "{}", found[0]);
    }
}

#[test]
fn the_tree_and_the_manifests_are_read() {
    let tree = "a v0.1.0 (/work/a)
h2 v0.3.27

proc v1.0.0 (proc-macro)
h2 v0.3.27 (*)
";
    let packages = [package("a", "0.1.0"), package("h2", "0.3.27"), package("proc", "1.0.0")];
    assert_eq!(built(tree), packages);
    assert!(inherits_lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n\n[features]\n"));
    assert!(!inherits_lints("[lints]\nrust.unsafe_code = \"deny\"\n[x]\nworkspace = true\n"));
    assert!(!inherits_lints("[package]\nworkspace = true\n"));
}
