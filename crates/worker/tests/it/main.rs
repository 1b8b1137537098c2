//! How jobs reach a worker's slots and what keeps them there, over the embedded store and a queue that can fail.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod alone;
mod blocked;
mod fallback;
mod fleet;
mod queue;
mod silent;
mod starts_over;
