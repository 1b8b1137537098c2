//! The embedded adapters: hints and news within the process, and the directory that it owns.

mod data_dir;
mod hint_queue;
mod progress_bus;

pub use data_dir::{DataDir, DataDirError, Owner};
pub use hint_queue::InProcessHintQueue;
pub use progress_bus::InProcessProgressBus;
