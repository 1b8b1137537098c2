//! What the reader and the index promise, through their ports.
#![expect(clippy::unwrap_used, reason = "a failed step of a test ends it")]

mod corpus;
mod filings;
mod html;
mod html_hostile;
mod index;
mod pdf;
mod pdf_filings;
mod process;
mod reading;
