//! A panic is an event like any other: one line, where the rest of the log is.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::thread;

/// While this is held, panics are logged instead of being printed by the standard library.
#[derive(Debug)]
pub(crate) struct LoggedPanics {
    _installed: (),
}

impl LoggedPanics {
    /// Replaces the panic hook of the process.
    pub(crate) fn install() -> Self {
        let printed = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            crate::metrics::process::panicked();
            // A filter that drops the event must not drop the panic.
            if tracing::enabled!(target: "panic", tracing::Level::ERROR) {
                log(info);
            } else {
                printed(info);
            }
        }));
        Self { _installed: () }
    }
}

impl Drop for LoggedPanics {
    fn drop(&mut self) {
        // The hook cannot be changed by a thread that panics, and is of use to it.
        if !thread::panicking() {
            drop(panic::take_hook());
        }
    }
}

fn log(info: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let location = info.location().map(ToString::to_string);
    let backtrace = Backtrace::capture();
    let backtrace =
        (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
    tracing::error!(
        target: "panic",
        thread = thread.name().unwrap_or("unnamed"),
        location,
        backtrace,
        "panicked: {}",
        info.payload_as_str().unwrap_or("with a value that is no text"),
    );
}
