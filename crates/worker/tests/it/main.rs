//! How jobs reach a worker's slots, over the embedded store and a queue that can fail.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod alone;
mod fallback;
mod fleet;
mod queue;
