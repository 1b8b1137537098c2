//! The rules of the job state machine, through its public door.

mod cancels;
mod jobs;
mod properties;
mod state_table;
