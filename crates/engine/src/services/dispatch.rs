//! Refilling the window of hints.
