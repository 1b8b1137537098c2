//! The checks, each a promise about the checkout.

use std::fmt;
use std::process::{Command, Stdio};

use clap::ValueEnum;

use super::{Surroundings, Verdict, at, clients, command, figures, programs, readme};
use crate::layering::{self, Workspace};
use crate::{manifests, observability};

/// Random cases for each property with `--long`; proptest's default is 256.
const CASES_LONG: &str = "5120";

/// What is tested has the fleet, and planned failure points. What the README's first command builds
/// has neither.
const FEATURES: &str = "assay/fleet,assay/faults";

/// How many tests run at a time, for the test harness.
const TEST_THREADS: &str = "RUST_TEST_THREADS";

/// The module of the tests that start a fleet of processes and break it.
const PROOFS: &str = "fleet::";

/// A check, named as on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Check {
    Fmt,
    Clippy,
    Doc,
    Layering,
    Manifests,
    Deny,
    Programs,
    Observability,
    Clients,
    Tests,
    Proofs,
    Readme,
}

impl Check {
    /// All of them, in order: what is cheap and often wrong comes first.
    pub(super) const ALL: [Self; 12] = [
        Self::Fmt,
        Self::Clippy,
        Self::Doc,
        Self::Layering,
        Self::Manifests,
        Self::Deny,
        Self::Programs,
        Self::Observability,
        Self::Clients,
        Self::Tests,
        Self::Proofs,
        Self::Readme,
    ];

    /// Whether it is made only where it is asked for: in short its promise is among the tests.
    pub(super) const fn is_long(self) -> bool {
        matches!(self, Self::Proofs)
    }

    /// What holds when it passes.
    pub(super) const fn promise(self) -> &'static str {
        match self {
            Self::Fmt => "the code is formatted",
            Self::Clippy => "no lint warns",
            Self::Doc => "the documentation builds without a warning",
            Self::Layering => "dependencies point the decided way",
            Self::Manifests => "what Kubernetes is given is complete and spelt right",
            Self::Deny => "licences, bans and sources are in order",
            Self::Programs => "the servers and tools that tests start are installed",
            Self::Observability => "alerts, dashboard and collector fit what is measured",
            Self::Clients => "the packages that example clients are written with are installed",
            Self::Tests => "every test and documented example passes",
            Self::Proofs => "a fleet keeps its promises at full length",
            Self::Readme => "the README's first command answers, and within 2 s the second time",
        }
    }

    /// Makes the check.
    pub(super) fn make(self, around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
        match self {
            Self::Fmt => fmt(around),
            Self::Clippy => clippy(around),
            Self::Doc => doc(around),
            Self::Layering => layering(around),
            Self::Manifests => manifests(around),
            Self::Deny => deny(around),
            Self::Programs => programs::check(around),
            Self::Observability => observability(around),
            Self::Clients => clients::check(around),
            Self::Tests => tests(around),
            Self::Proofs => proofs(around),
            Self::Readme => readme::check(around),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Doc => "doc",
            Self::Layering => "layering",
            Self::Manifests => "manifests",
            Self::Deny => "deny",
            Self::Programs => "programs",
            Self::Observability => "observability",
            Self::Clients => "clients",
            Self::Tests => "tests",
            Self::Proofs => "proofs",
            Self::Readme => "readme",
        })
    }
}

fn fmt(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    let mut cargo = at(&around.root, "cargo");
    cargo.args(["fmt", "--all", "--check"]);
    verdict(around, &mut cargo, "run `cargo fmt --all`")
}

fn clippy(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    let mut cargo = at(&around.root, "cargo");
    cargo.args(["clippy", "--workspace", "--all-targets", "--locked", "--features", FEATURES]);
    cargo.args(["--", "-D", "warnings"]);
    let mut without = at(&around.root, "cargo");
    without.args(["clippy", "--package", "assay", "--all-targets", "--locked"]);
    without.args(["--", "-D", "warnings"]);
    let advice = "mend what the lints name, or expect it with a reason";
    match verdict(around, &mut cargo, advice)? {
        Verdict::Passed => verdict(around, &mut without, advice),
        other @ (Verdict::Skipped { .. } | Verdict::Failed { .. }) => Ok(other),
    }
}

fn doc(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    let mut cargo = at(&around.root, "cargo");
    cargo.args(["doc", "--workspace", "--no-deps", "--locked", "--features", FEATURES]);
    cargo.env("RUSTDOCFLAGS", "-D warnings");
    verdict(around, &mut cargo, "mend the links and code blocks that rustdoc names")
}

fn layering(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    let found = layering::violations(&Workspace::read(&around.root)?);
    for violation in &found {
        writeln!(around.out, "{violation}")?;
    }
    Ok(match found.len() {
        0 => Verdict::Passed,
        n => Verdict::Failed {
            problem: format!("{n} dependencies against the rules"),
            advice: "turn the dependency around with a port, or argue the rule in \
                     crates/xtask/src/layering/rules.rs"
                .to_owned(),
        },
    })
}

fn manifests(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    let checked = match manifests::check(&around.root, around.out)? {
        Ok(checked) => checked,
        Err(manifests::Unavailable { reason, advice }) => {
            return Ok(Verdict::Skipped { reason: format!("{reason} ({advice})") });
        }
    };
    write!(around.out, "{checked}")?;
    Ok(match checked.findings.len() {
        0 => Verdict::Passed,
        n => Verdict::Failed {
            problem: format!("{n} findings in deploy/kubernetes"),
            advice: "mend what is named above; crates/xtask/src/manifests has the rules".to_owned(),
        },
    })
}

/// What promtool would find is left out where there is none, which is said.
fn observability(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    let checked = observability::check(&around.root)?;
    for finding in &checked.findings {
        writeln!(around.out, "{finding}")?;
    }
    Ok(match (checked.findings.len(), checked.unasked) {
        (0, None) => Verdict::Passed,
        (0, Some(reason)) => Verdict::Skipped { reason: format!("in part: {reason}") },
        (n, _) => Verdict::Failed {
            problem: format!("{n} findings in deploy/observability"),
            advice: "mend what is named above; docs/observability.md says what belongs together"
                .to_owned(),
        },
    })
}

fn deny(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    let mut asked = at(&around.root, "cargo");
    asked.args(["deny", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if !asked.status()?.success() {
        let reason = "cargo-deny is not installed (`cargo install --locked cargo-deny`)";
        return Ok(Verdict::Skipped { reason: reason.to_owned() });
    }
    let mut cargo = at(&around.root, "cargo");
    cargo.args(["deny", "--all-features", "--locked", "check", "licenses", "bans", "sources"]);
    verdict(around, &mut cargo, "drop the crate that it names, or argue it in deny.toml")
}

fn tests(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    // The documented examples of the libraries are tests too, and included.
    let all: &[&[&str]] = &[&["--workspace", "--features", FEATURES]];
    // The proofs of the fleet are a check of their own then.
    let without_proofs: &[&[&str]] = &[
        &["--workspace", "--exclude", "assay", "--features", "engine/faults"],
        &["--package", "assay", "--features", FEATURES, "--", "--skip", PROOFS],
    ];
    let mut verdict = Verdict::Passed;
    for arguments in if around.long { without_proofs } else { all } {
        match test(around, arguments)? {
            Verdict::Passed => {}
            other @ (Verdict::Skipped { .. } | Verdict::Failed { .. }) => verdict = other,
        }
    }
    Ok(verdict)
}

/// One at a time, in the release profile: what they measure is the program as it is used, and is
/// not to be disturbed by other tests.
fn proofs(around: &mut Surroundings<'_>) -> anyhow::Result<Verdict> {
    let package = ["--release", "--package", "assay", "--features", FEATURES, "--test", "it"];
    let one_by_one = ["--", "--test-threads=1", PROOFS];
    let verdict = test(around, &[&package[..], &one_by_one].concat())?;
    if verdict == Verdict::Passed {
        figures::publish(around)?;
    }
    Ok(verdict)
}

/// Runs the tests that `arguments` choose.
fn test(around: &mut Surroundings<'_>, arguments: &[&str]) -> anyhow::Result<Verdict> {
    let mut cargo = at(&around.root, "cargo");
    cargo.args(["test", "--locked", "--no-fail-fast"]).args(arguments);
    cargo.env("ASSAY_TEST_SKIPS", &around.skips).env("ASSAY_TEST_FIGURES", &around.figures);
    if around.long {
        cargo.env("ASSAY_TEST_LONG", "1").env("PROPTEST_CASES", CASES_LONG);
    } else if std::env::var_os(TEST_THREADS).is_none() {
        // Tests of processes and servers wait for most of their time.
        let cores = std::thread::available_parallelism()?.get();
        cargo.env(TEST_THREADS, (cores + 1).to_string());
    }
    verdict(
        around,
        &mut cargo,
        "the failed tests are listed above, and their whole output above that",
    )
}

/// Runs a program whose exit code is the verdict.
fn verdict(
    around: &mut Surroundings<'_>,
    program: &mut Command,
    advice: &str,
) -> anyhow::Result<Verdict> {
    let Surroundings { tally, out, .. } = around;
    let status = command::run(program, *out, &mut |line| tally.read_line(line))?;
    if status.success() {
        return Ok(Verdict::Passed);
    }
    Ok(Verdict::Failed { problem: status.to_string(), advice: advice.to_owned() })
}
