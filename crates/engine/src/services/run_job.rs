//! Placeholder until the next commit.
pub struct RunJob;
pub struct Ended;
pub struct StopReason;
