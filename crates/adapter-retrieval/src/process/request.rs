//! What goes from the parent to the child ahead of a document's bytes: one line of JSON.

use std::io::{self, BufRead, Read as _};
use std::time::Duration;

use engine::ports::{MediaType, ReadDocument, ReadError};
use serde::{Deserialize, Serialize};

use super::ReaderLimits;

/// The longest request: it has four short fields.
const LINE_BYTES_MAX: u64 = 1_024;

/// How a document is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    media_type: String,
    /// The bytes that follow the line.
    pub(super) bytes: u64,
    pub(super) memory_bytes_max: u64,
    pub(super) cpu_s_max: u64,
}

/// What goes back, as JSON and nothing after it.
pub(super) type Answer = Result<ReadDocument, ReadError>;

impl Request {
    pub(super) fn new(media_type: MediaType, bytes: usize, limits: &ReaderLimits) -> Self {
        let part = limits.cpu_max.subsec_nanos() > 0;
        Self {
            media_type: media_type.as_str().to_owned(),
            bytes: bytes as u64,
            memory_bytes_max: limits.memory_bytes_max,
            cpu_s_max: (limits.cpu_max.as_secs() + u64::from(part)).max(1),
        }
    }

    pub(super) fn to_line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// Reads a request, and nothing behind it.
    ///
    /// # Errors
    /// The input's own, or of the kind [`io::ErrorKind::InvalidData`].
    pub(super) fn from_input(input: &mut impl BufRead) -> io::Result<Self> {
        let mut line = Vec::new();
        input.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        Ok(serde_json::from_slice(&line)?)
    }

    pub(super) fn media_type(&self) -> Option<MediaType> {
        MediaType::from_name(&self.media_type)
    }

    pub(super) fn too_much_memory(&self) -> ReadError {
        ReadError::TooMuchMemory { max_bytes: self.memory_bytes_max }
    }

    pub(super) fn too_slow(&self) -> ReadError {
        ReadError::TooSlow { max: Duration::from_secs(self.cpu_s_max) }
    }
}
