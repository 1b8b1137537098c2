//! How well evidence is found: questions with known evidence pages, put to the retrieval that
//! answers are made from.
//!
//! The method, and what its figures do and do not say, are in docs/evaluation.md.

pub mod corpus;
pub mod measure;
pub mod questions;
pub mod report;
pub mod trial;
