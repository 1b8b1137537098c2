//! Reading in a process of its own: what a hostile document can exhaust is that process's.
//!
//! [`ReaderProcess`] starts one child for each document, writes a [`request::Request`] and the
//! bytes to its standard input, and takes the answer from its standard output. The child runs
//! [`serve_document`]. What comes back in place of an answer is told by [`ending`].
//!
//! The parent keeps the child's standard input open until the child has ended: to a child, its end
//! means that the parent is gone. The parent-death signal of Linux would not do: it follows the
//! thread that started the child, and a runtime's threads end before it does.

mod child;
mod client;
mod confine;
mod ending;
mod request;

use std::num::NonZeroUsize;
use std::time::Duration;

pub use child::{ServeError, serve_document};
pub use client::ReaderProcess;

/// What the reading of documents may take.
///
/// The memory and CPU time of a child are limited on Linux alone; the others hold everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderLimits {
    /// Documents that are read at the same time; further ones wait.
    pub children_max: NonZeroUsize,
    /// Address space of a child: what it has allocated, its program and its stacks.
    pub memory_bytes_max: u64,
    /// CPU time of a child, rounded up to seconds.
    pub cpu_max: Duration,
    /// Time from the start of a child to its end.
    pub wall_max: Duration,
    /// Bytes of an answer. The parent holds them, and then what they say.
    pub answer_bytes_max: usize,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self {
            children_max: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            memory_bytes_max: 1 << 30,
            cpu_max: Duration::from_secs(60),
            wall_max: Duration::from_secs(120),
            answer_bytes_max: 128 << 20,
        }
    }
}
