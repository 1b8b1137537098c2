//! What an evaluation over real filings must show.

mod thresholds;
