//! The codes that a socket is closed with.

pub(super) const JOB_ENDED: u16 = 1000;
pub(super) const ORIGIN: u16 = 1008;
pub(super) const RESTART: u16 = 1012;
pub(super) const OVERLOADED: u16 = 1013;
pub(super) const BAD_FRAME: u16 = 4400;
pub(super) const CREDENTIALS: u16 = 4401;
pub(super) const SCOPE: u16 = 4403;
pub(super) const NO_SUCH_JOB: u16 = 4404;
pub(super) const CURSOR_AHEAD: u16 = 4409;
pub(super) const GONE: u16 = 4410;
pub(super) const FRAME_TOO_BIG: u16 = 4413;
pub(super) const TOO_SLOW: u16 = 4420;

/// Each with its meaning, for the documents.
#[cfg(test)]
pub(crate) const ALL: &[(u16, &str)] = &[
    (JOB_ENDED, "The job has ended, and all of its log was sent."),
    (ORIGIN, "Pages of this origin may not use the server."),
    (RESTART, "The gateway restarts: return after `retry_after_ms`, or 5 to 30 s at random."),
    (OVERLOADED, "The gateway or its store is overloaded: return after `retry_after_ms`."),
    (BAD_FRAME, "A frame that cannot be read, or that this socket does not take."),
    (CREDENTIALS, "The ticket is no ticket of this server, or has expired."),
    (SCOPE, "The ticket is not for this job."),
    (NO_SUCH_JOB, "There is no such job."),
    (CURSOR_AHEAD, "The cursor is ahead of the log."),
    (GONE, "The job was deleted."),
    (FRAME_TOO_BIG, "The frame is too big."),
    (TOO_SLOW, "The reader took no byte for 30 s, or sent none for 60 s: return with its cursor."),
];
