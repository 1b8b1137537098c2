//! Composition: which adapters stand behind which ports, and what the commands do with them.

pub mod cli;
mod client;
pub mod commands;
pub mod config;
pub mod corpus;
pub mod descriptors;
mod doctor;
pub mod embedded;
pub mod exit;
pub mod fleet;
mod models;
mod own;
mod render;
pub mod system;
mod tools;
