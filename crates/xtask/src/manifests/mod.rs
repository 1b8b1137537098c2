//! `cargo xtask manifests`: everything in deploy/kubernetes is rendered and held to the schemas of
//! Kubernetes, to what is used of KEDA and the Prometheus Operator, and to rules of
//! our own.

mod custom;
mod document;
mod keda;
mod kubectl;
mod pod;
mod prometheus;
mod rules;
mod schemas;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use document::{Document, Rendered};
use kubectl::Kubectl;
use rules::RULES;
#[cfg(test)]
pub(crate) use schemas::PACKAGES;
use schemas::{RELEASES, Schemas};

/// Where the kustomizations are.
const FOLDER: &str = "deploy/kubernetes";
/// The one that the others build upon.
const BASE: &str = "base";
/// Holds those that are applied, a folder each.
const OVERLAYS: &str = "overlays";
/// The program that renders.
const KUBECTL: &str = "kubectl";

/// What to do with what is rendered.
#[derive(Debug, Args)]
pub(crate) struct ManifestsArgs {
    /// Also writes what was rendered there, a file for each kustomization.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Why nothing could be checked, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{reason}\n{advice}")]
pub(crate) struct Unavailable {
    pub(crate) reason: String,
    pub(crate) advice: &'static str,
}

/// What was rendered, and what is wrong with it.
pub(crate) struct Checked {
    /// Each with the YAML that it was read from.
    rendered: Vec<(Rendered, String)>,
    /// What rendered it.
    kustomize: String,
    /// A line or two each.
    pub(crate) findings: Vec<String>,
}

/// Renders and checks everything, and prints a table of it.
///
/// # Errors
/// What keeps the check from being made. What it finds, and a program that is missing, is in the
/// exit code.
pub(crate) fn run(args: &ManifestsArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let root = crate::repository().canonicalize().context("the checkout is gone")?;
    let checked = match check(&root, out)? {
        Ok(checked) => checked,
        Err(unavailable) => {
            writeln!(out, "error: {unavailable}")?;
            return Ok(ExitCode::FAILURE);
        }
    };
    if let Some(folder) = &args.out {
        checked.write(folder)?;
    }
    write!(out, "{checked}")?;
    let is_fine = checked.findings.is_empty();
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Renders and checks everything beneath `root`.
///
/// # Errors
/// If something cannot be rendered or asked. The inner error is for what is not installed.
pub(crate) fn check(
    root: &Path,
    out: &mut dyn Write,
) -> anyhow::Result<Result<Checked, Unavailable>> {
    let kubectl = match Kubectl::find(KUBECTL) {
        Ok(kubectl) => kubectl,
        Err(unavailable) => return Ok(Err(unavailable)),
    };
    let schemas = match Schemas::install(root, out)? {
        Ok(schemas) => schemas,
        Err(unavailable) => return Ok(Err(unavailable)),
    };
    let mut checked = Checked::with(kubectl.kustomize.clone());
    for name in kustomizations(root)? {
        let yaml = match kubectl.render(&root.join(FOLDER).join(&name))? {
            Ok(yaml) => yaml,
            Err(said) => {
                checked.findings.push(format!("{name}: {said}"));
                continue;
            }
        };
        let rendered = Rendered::of(&name, &yaml)?;
        let found = findings_in(&rendered, &schemas)?.into_iter();
        checked.findings.extend(found.map(|finding| format!("{name}: {finding}")));
        checked.rendered.push((rendered, yaml));
    }
    Ok(Ok(checked))
}

/// The base, and every overlay, by their folders.
fn kustomizations(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = vec![BASE.to_owned()];
    let folder = root.join(FOLDER).join(OVERLAYS);
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name();
        names.push(format!("{OVERLAYS}/{}", name.to_string_lossy()));
    }
    names[1..].sort();
    Ok(names)
}

/// What is wrong with a kustomization. Rules are asked of what has a known form.
fn findings_in(rendered: &Rendered, schemas: &Schemas) -> anyhow::Result<Vec<String>> {
    let (its, ours): (Vec<&Document>, Vec<&Document>) =
        rendered.documents.iter().partition(|document| custom::is_its(document));
    let values = ours.iter().map(|document| &document.value);
    let mut found = Vec::new();
    for (document, complaints) in ours.iter().zip(schemas.complaints(values, &RELEASES)?) {
        found.extend(complaints.iter().map(|said| format!("{}: {said}", document.title())));
    }
    for document in its {
        let said = custom::complaint(document);
        found.extend(said.map(|said| format!("{}: {said}", document.title())));
    }
    if found.is_empty() {
        found.extend(rules::broken(rendered));
    }
    Ok(found)
}

impl Checked {
    const fn with(kustomize: String) -> Self {
        Self { rendered: Vec::new(), kustomize, findings: Vec::new() }
    }

    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        for (rendered, yaml) in &self.rendered {
            let file = folder.join(rendered.name.replace('/', "-")).with_extension("yaml");
            fs::write(&file, yaml).with_context(|| file.display().to_string())?;
        }
        Ok(())
    }
}

/// A table of what was rendered, what it was held to, and what is wrong.
impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<16} {:>7} {:>6}  Secrets to be brought", "rendered", "objects", "fields")?;
        for (rendered, _) in &self.rendered {
            let Rendered { name, documents } = rendered;
            let fields: usize = documents.iter().map(Document::fields).sum();
            let brought: Vec<String> = rules::to_be_brought(rendered).into_iter().collect();
            let brought = if brought.is_empty() { "none".into() } else { brought.join(", ") };
            writeln!(f, "{name:<16} {:>7} {fields:>6}  {brought}", documents.len())?;
        }
        writeln!(
            f,
            "rendered with Kustomize {}; held to Kubernetes {}, the fields of KEDA and the Prometheus \
             Operator, and {} rules",
            self.kustomize,
            RELEASES.join(" and "),
            RULES.len()
        )?;
        for finding in &self.findings {
            writeln!(f, "\n{finding}")?;
        }
        match self.findings.len() {
            0 => writeln!(f, "nothing is wrong"),
            1 => writeln!(f, "\n1 finding"),
            n => writeln!(f, "\n{n} findings"),
        }
    }
}
