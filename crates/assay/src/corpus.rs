//! The example corpus: compiled in, so that the first command has something to answer from.

use anyhow::Context as _;
use contracts::TenantId;
use engine::ports::{Corpus, MediaType};
use engine::services::{Ingest, NewFile};
use serde::Deserialize;

/// One line of a manifest of documents.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestLine {
    /// The file, relative to the manifest.
    pub path: String,
    /// The company that it is about.
    pub company: String,
    /// Its title; its name without extension if absent.
    #[serde(default)]
    pub title: Option<String>,
    /// Where it was published.
    #[serde(default)]
    pub url: Option<String>,
    /// When it was published: a calendar date.
    #[serde(default)]
    pub published_on: Option<String>,
}

const MANIFEST: &str = include_str!("../../../examples/corpus/manifest.jsonl");

macro_rules! files {
    ($($name:literal),*) => {
        &[$(($name, include_bytes!(concat!("../../../examples/corpus/", $name)))),*]
    };
}

const FILES: &[(&str, &[u8])] =
    files!("3m-2018.txt", "3m-2022.md", "apple-2023.md", "microsoft-2023.md", "pepsico-2022.md");

/// Takes the example corpus in, if there is no document at all. Says whether it did.
///
/// # Errors
/// The store's.
pub async fn load_if_empty(
    tenant: &TenantId,
    corpus: &dyn Corpus,
    ingest: &Ingest,
) -> anyhow::Result<bool> {
    if corpus.head(tenant).await?.generation > 0 {
        return Ok(false);
    }
    for line in MANIFEST.lines() {
        let file = example(line).with_context(|| format!("example corpus: {line}"))?;
        let accepted = ingest.accept(tenant, file).await.context("example corpus")?;
        ingest.finished(tenant, accepted.id).await.context("example corpus")?;
    }
    Ok(true)
}

fn example(line: &str) -> anyhow::Result<NewFile> {
    let line: ManifestLine = serde_json::from_str(line)?;
    let (_, bytes) =
        FILES.iter().find(|(path, _)| *path == line.path).context("file not compiled in")?;
    let (stem, extension) = line.path.rsplit_once('.').context("file without extension")?;
    Ok(NewFile {
        company: line.company,
        title: line.title.unwrap_or_else(|| stem.to_owned()),
        url: line.url,
        published_on: line.published_on,
        media_type: MediaType::from_extension(extension).context("type not read")?,
        bytes: bytes.to_vec(),
    })
}
