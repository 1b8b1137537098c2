//! Tests of the models through the engine's ports, against the engine's own verification.

mod extractive;
mod failures;
mod fallback;
mod guarded;
mod providers;
mod scripted;
mod staged;
mod support;
mod unreachable;
