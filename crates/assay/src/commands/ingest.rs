//! `assay ingest`: takes documents in, one after the other; what one file costs, others do not.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use contracts::limits::DOCUMENT_BYTES_MAX;
use engine::ports::{MediaType, Stored};
use engine::services::{IngestError, NewFile};
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::Ingest;
use crate::config::Config;
use crate::corpus::ManifestLine;
use crate::embedded::{Embedded, Settings};
use crate::exit::{USAGE, say};
use crate::render;

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
    let system = Embedded::open(&config, Settings::default())?;
    let bar = progress(entries.len());
    let mut failed = 0usize;
    for entry in entries {
        let path = entry.path.display().to_string();
        bar.set_message(path.clone());
        match take_in(&system, entry).await {
            Ok(stored) => bar.suspend(|| render::line(&said(&path, &stored))),
            Err(error) => {
                failed += 1;
                bar.suspend(|| say(&format!("failed   {path}: {error:#}")));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if failed > 0 {
        say(&format!("{failed} of {} files were not taken in", bar.position()));
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

async fn take_in(system: &Embedded, entry: Entry) -> anyhow::Result<Stored> {
    let Entry { path, about } = entry;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let media_type = MediaType::from_extension(extension)
        .with_context(|| format!("files of type {extension:?} are not read; .txt and .md are"))?;
    let metadata = tokio::fs::metadata(&path).await?;
    anyhow::ensure!(metadata.is_file(), "not a file");
    let bytes = metadata.len();
    let max = DOCUMENT_BYTES_MAX as u64;
    if bytes > max {
        return Err(IngestError::TooLarge { bytes, max }.into());
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let file = NewFile {
        company: about.company,
        title: about.title.unwrap_or(stem),
        url: about.url,
        published_on: about.published_on,
        media_type,
        bytes: tokio::fs::read(&path).await?,
    };
    Ok(system.ingest.ingest(&system.tenant, file).await?)
}

fn said(path: &str, stored: &Stored) -> String {
    let document = &stored.document;
    let what = if stored.created { "ready" } else { "known" };
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
