//! Readers that break down in the ways of `tests/bin/broken_reader.rs`, and a look at their
//! processes.

use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use adapter_retrieval::{ReaderLimits, ReaderProcess};
use engine::ports::{DocumentReader as _, MediaType, ReadDocument, ReadError};
use tempfile::TempDir;

/// Everything here ends well within this, on a busy machine too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One document at a time, with more of everything than a short one takes.
pub(crate) fn roomy() -> ReaderLimits {
    ReaderLimits { children_max: NonZeroUsize::MIN, wall_max: PATIENCE, ..ReaderLimits::default() }
}

/// A reader whose program has a path that no other program has.
pub(crate) struct Broken {
    pub(crate) reader: ReaderProcess,
    program: PathBuf,
    _folder: TempDir,
}

impl Broken {
    /// A reader that breaks down in the way that this name says; "whole" does not.
    pub(crate) fn new(way: &str, limits: ReaderLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in [way, "asking"] {
            symlink(env!("CARGO_BIN_EXE_broken-reader"), folder.path().join(name)).unwrap();
        }
        let program = folder.path().join(way);
        Self { reader: ReaderProcess::new(program.clone(), limits), program, _folder: folder }
    }

    /// Reads a text.
    pub(crate) async fn read(&self, text: impl Into<Vec<u8>>) -> Result<ReadDocument, ReadError> {
        self.reader.read(text.into(), MediaType::Text).await
    }

    /// A process of its own that has a text read by this reader, with the default limits, and says
    /// how that ended.
    pub(crate) fn asked_by_another(&self) -> Command {
        let mut command = Command::new(self.program.with_file_name("asking"));
        command.arg(self.program.file_name().unwrap()).stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }

    /// Its processes that run.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let all = std::fs::read_dir("/proc").unwrap();
        let ids = all.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        ids.filter(|id| self.runs_as(*id)).collect()
    }

    /// Waits until one of its processes runs.
    pub(crate) async fn started(&self) -> u32 {
        testkit::eventually(PATIENCE, async || self.processes().first().copied()).await
    }

    fn runs_as(&self, id: u32) -> bool {
        let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        command.split(|byte| *byte == 0).next() == Some(self.program.as_os_str().as_bytes())
    }
}

/// Waits until there is no such process, not even one that waits to be reaped.
pub(crate) async fn gone(id: u32) {
    let process = PathBuf::from(format!("/proc/{id}"));
    testkit::eventually(PATIENCE, async || (!Path::exists(&process)).then_some(())).await;
}
