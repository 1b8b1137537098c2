//! The wire contract: what it looks like, what it reads, and how large it gets.

mod bounds;
mod coverage;
mod fixtures;
mod forms;
mod samples;
mod tolerance;
