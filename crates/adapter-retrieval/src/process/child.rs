//! The child: reads one document within its limits, and answers.

use std::any::Any;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Barrier};
use std::thread;

use engine::ports::{MediaType, ReadDocument, ReadError};

use super::confine::confine;
use super::ending::brief;
use super::request::{Answer, Request};

/// Enough for documents that are nested deeply but honestly.
const STACK_BYTES: usize = 64 << 20;

/// What turns bytes into passages.
type Read = fn(&[u8], MediaType) -> Result<ReadDocument, ReadError>;

/// Why a child has no answer. Its parent finds a reason of its own.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Standard input does not begin as a parent begins it.
    #[error("no document on standard input: it is written by the process that reads documents")]
    Request(#[source] io::Error),
    /// The answer cannot be written.
    #[error("answering")]
    Answer(#[source] io::Error),
}

/// Serves one document: takes it from standard input, limits this process, reads, and answers on
/// standard output. To be called by a process that does nothing else, before it starts threads
/// or opens files.
///
/// The process ends as soon as standard input does: whoever asked is gone then.
///
/// # Errors
/// [`ServeError`].
pub fn serve_document(read: Read) -> Result<(), ServeError> {
    let answers = take_standard_output().map_err(ServeError::Answer)?;
    let request = Request::from_input(&mut io::stdin().lock()).map_err(ServeError::Request)?;
    let answer = answer(read, request);
    let mut answers = BufWriter::new(answers);
    serde_json::to_writer(&mut answers, &answer).map_err(|e| ServeError::Answer(e.into()))?;
    answers.flush().map_err(ServeError::Answer)
}

/// Keeps standard output for the answer: what else is printed there, by whichever library, goes
/// to standard error.
fn take_standard_output() -> io::Result<File> {
    let answers = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(File::from(answers))
}

/// Has its threads running before it limits itself, so that a stack that cannot be had is never
/// taken for the document's fault: a thread that was started still makes one for signals.
fn answer(read: Read, request: Request) -> Answer {
    let Some(media_type) = request.media_type() else {
        return Err(ReadError::Unavailable("it does not know the type".to_owned()));
    };
    let (taken, is_taken) = sync_channel(1);
    let thread = |name: &str| thread::Builder::new().name(name.to_owned());
    let running = Arc::new(Barrier::new(2));
    let all_run = Arc::clone(&running);
    let watching = move || {
        running.wait();
        watch(&is_taken);
    };
    thread("watch").spawn(watching).map_err(unavailable)?;
    let reading = move || {
        all_run.wait();
        confine(request.memory_bytes_max, request.cpu_s_max).map_err(unavailable)?;
        let bytes = take_document(&request)?;
        // The channel has room for it, and nobody to tell is nothing to act upon.
        let _ = taken.send(());
        read(&bytes, media_type)
    };
    let reading = thread("read").stack_size(STACK_BYTES).spawn(reading).map_err(unavailable)?;
    reading.join().unwrap_or_else(|panic| Err(ReadError::Crashed(message(panic.as_ref()))))
}

fn take_document(request: &Request) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let size = usize::try_from(request.bytes).map_err(|_| request.too_much_memory())?;
    bytes.try_reserve_exact(size).map_err(|_| request.too_much_memory())?;
    io::stdin().lock().take(request.bytes).read_to_end(&mut bytes).map_err(unavailable)?;
    if bytes.len() < size {
        return Err(unavailable(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(bytes)
}

/// Waits for the end of standard input, once the document is taken from it, and ends the process.
fn watch(is_taken: &Receiver<()>) {
    if is_taken.recv().is_ok() {
        let _ = io::stdin().lock().read(&mut [0]);
        std::process::exit(1);
    }
}

fn unavailable(error: io::Error) -> ReadError {
    ReadError::Unavailable(error.to_string())
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    brief(text.unwrap_or_default())
}
