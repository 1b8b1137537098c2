use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use contracts::JobId;
use engine::ports::CallContext;
use serde::Serialize;

/// A file with one line of JSON per call, from which tests prove which steps ran and how often.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
}

/// Why a call could not be written down.
#[derive(Debug, thiserror::Error)]
#[error("the ledger {} cannot be written", path.display())]
pub(super) struct LedgerError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// One call.
#[derive(Debug, Serialize)]
struct Line {
    job_id: JobId,
    step: &'static str,
    attempt: u32,
}

impl Ledger {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Appends one line in a single write, so that lines of several processes do not mix.
    pub(super) fn append(&self, call: &CallContext, step: &'static str) -> Result<(), LedgerError> {
        let line = Line { job_id: call.job_id, step, attempt: call.attempt };
        let written = serde_json::to_vec(&line).map_err(io::Error::from).and_then(|mut bytes| {
            bytes.push(b'\n');
            let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            match file.write(&bytes)? {
                count if count == bytes.len() => Ok(()),
                _ => Err(io::ErrorKind::WriteZero.into()),
            }
        });
        written.map_err(|source| LedgerError { path: self.path.clone(), source })
    }
}
