//! Housekeeping.
