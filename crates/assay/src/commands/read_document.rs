//! `assay read-document`: reads one document, in a process that a hostile one may break.

use std::process::ExitCode;

use crate::exit;

/// Serves one document. To be called before there is a runtime, a log or a configuration: it
/// limits the process to what reading needs.
#[must_use]
pub fn read_document() -> ExitCode {
    match adapter_retrieval::serve_document(adapter_retrieval::read) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::failure(&error.into()),
    }
}
