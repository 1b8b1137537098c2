//! What the reader and the index promise, through their ports.

mod corpus;
mod filings;
mod index;
mod reading;
