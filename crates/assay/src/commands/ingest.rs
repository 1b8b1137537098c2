//! `assay ingest`: takes documents in, a few at a time; what one file costs, others do not.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use contracts::limits::DOCUMENT_BYTES_MAX;
use contracts::{Document, DocumentState};
use engine::ports::MediaType;
use engine::services::{IngestError, NewFile};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Ingest;
use crate::config::Config;
use crate::corpus::ManifestLine;
use crate::exit::{USAGE, say};
use crate::own;
use crate::render;
use crate::system::System;

/// A file, and what is said about it.
struct Entry {
    path: PathBuf,
    about: ManifestLine,
}

pub(super) async fn run(args: Ingest, config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, telemetry::ONE_SHOT_FILTER)?;
    if args.title.is_some() && args.paths.len() > 1 {
        say("error: --title is for one file; use --manifest to give each of several its own");
        return Ok(ExitCode::from(USAGE));
    }
    let entries = match &args.manifest {
        Some(manifest) => from_manifest(manifest)?,
        None => from_arguments(args),
    };
    let system = own::system(&config).await?;
    let files = entries.len();
    let bar = progress(files);
    let mut failed = 0_usize;
    let takings = entries.into_iter().map(|entry| {
        let path = entry.path.display().to_string();
        bar.set_message(path.clone());
        take_in(&system, entry).map(|taken| (path, taken))
    });
    let mut takings = stream::iter(takings).buffer_unordered(config.readers as usize);
    while let Some((path, taken)) = takings.next().await {
        match taken {
            Ok(taken) => bar.suspend(|| render::line(&said(&path, &taken))),
            Err(error) => {
                failed += 1;
                bar.suspend(|| say(&format!("failed   {path}: {error:#}")));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if failed > 0 {
        say(&format!("{failed} of {files} files were not taken in"));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn from_arguments(args: Ingest) -> Vec<Entry> {
    let about = ManifestLine {
        path: String::new(),
        company: args.company.unwrap_or_default(),
        title: args.title,
        url: args.url,
        published_on: args.published_on,
    };
    args.paths.into_iter().map(|path| Entry { path, about: about.clone() }).collect()
}

fn from_manifest(manifest: &Path) -> anyhow::Result<Vec<Entry>> {
    let name = manifest.display();
    let text = std::fs::read_to_string(manifest).with_context(|| format!("reading {name}"))?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let entry = |(index, line): (usize, &str)| {
        let about: ManifestLine =
            serde_json::from_str(line).with_context(|| format!("{name}, line {}", index + 1))?;
        Ok(Entry { path: folder.join(&about.path), about })
    };
    lines.map(entry).collect()
}

/// A file that was taken in.
enum Taken {
    /// Its document is new.
    Ready(Document),
    /// Its document was there already.
    Known(Document),
}

async fn take_in(system: &System, entry: Entry) -> anyhow::Result<Taken> {
    let (ingest, tenant) = (&system.ingest, &system.tenant);
    let accepted = ingest.accept(tenant, read_file(entry).await?).await?;
    if accepted.state == DocumentState::Ready {
        return Ok(Taken::Known(accepted));
    }
    let document = ingest.finished(tenant, accepted.id).await?.context("it was deleted")?;
    match document.error {
        Some(problem) => bail!("{}", problem.detail),
        None => Ok(Taken::Ready(document)),
    }
}

async fn read_file(entry: Entry) -> anyhow::Result<NewFile> {
    let Entry { path, about } = entry;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let media_type = MediaType::from_extension(extension).with_context(|| {
        format!("files of type {extension:?} are not read; .pdf, .html, .md and .txt are")
    })?;
    let metadata = tokio::fs::metadata(&path).await?;
    ensure!(metadata.is_file(), "not a file");
    let bytes = metadata.len();
    let max = DOCUMENT_BYTES_MAX as u64;
    if bytes > max {
        return Err(IngestError::TooLarge { bytes, max }.into());
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(NewFile {
        company: about.company,
        title: about.title.unwrap_or(stem),
        url: about.url,
        published_on: about.published_on,
        media_type,
        bytes: tokio::fs::read(&path).await?,
    })
}

fn said(path: &str, taken: &Taken) -> String {
    let (what, document) = match taken {
        Taken::Ready(document) => ("ready", document),
        Taken::Known(document) => ("known", document),
    };
    let pages = document.pages.map(|pages| format!(", {pages} pages")).unwrap_or_default();
    format!("{what}    {path}: {}, {}{pages}", document.company, document.title)
}

fn progress(files: usize) -> ProgressBar {
    if files < 2 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(files as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}  {eta}") {
        bar.set_style(style);
    }
    bar
}
