//! Step 3: what tools can add. No tool is configured yet, so the step is always skipped.

/// Why the step has nothing to do.
pub const NO_TOOLS: &str = "no tools are configured";
