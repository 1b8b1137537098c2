//! The child: reads one document within its limits, and answers.

use std::any::Any;
use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::thread;

use engine::ports::{MediaType, ReadDocument, ReadError};

use super::confine::{confine, stay_alone};
use super::ending::brief;
use super::request::{Answer, Request};

/// Enough for documents that are nested deeply but honestly.
const STACK_BYTES: usize = 64 << 20;

/// What turns bytes into passages.
type Read = fn(&[u8], MediaType) -> Result<ReadDocument, ReadError>;

/// Why a child has no answer. Its parent finds a reason of its own.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Standard input is not what a parent writes, or it ended early.
    #[error("no document on standard input: it is written by the process that reads documents")]
    Request(#[source] io::Error),
    /// The system refused something.
    #[error("reading a document")]
    System(#[from] io::Error),
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
    let answers = take_standard_output()?;
    let request = Request::from_input(&mut io::stdin().lock()).map_err(ServeError::Request)?;
    let answer = match confine(request.memory_bytes_max, request.cpu_s_max) {
        Ok(()) => answer(read, &request)?,
        Err(error) => Err(ReadError::Unavailable(format!("it cannot limit itself: {error}"))),
    };
    let mut answers = BufWriter::new(answers);
    serde_json::to_writer(&mut answers, &answer).map_err(io::Error::from)?;
    Ok(answers.flush()?)
}

/// Keeps standard output for the answer: what else is printed there, by whichever library, goes
/// to standard error.
fn take_standard_output() -> io::Result<File> {
    let answers = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(File::from(answers))
}

fn answer(read: Read, request: &Request) -> Result<Answer, ServeError> {
    let Some(media_type) = request.media_type() else {
        return Ok(Err(ReadError::Unavailable("it does not know the type".to_owned())));
    };
    let Some(bytes) = take_document(request).map_err(ServeError::Request)? else {
        return Ok(Err(request.too_much_memory()));
    };
    thread::Builder::new().name("watch".to_owned()).spawn(end_with_standard_input)?;
    let reading = move || {
        stay_alone()?;
        Ok(read(&bytes, media_type))
    };
    let reader = thread::Builder::new().name("read".to_owned()).stack_size(STACK_BYTES);
    match reader.spawn(reading)?.join() {
        Ok(answer) => answer,
        Err(panic) => Ok(Err(ReadError::Crashed(message(panic.as_ref())))),
    }
}

/// The document; `None` if there is not memory enough for its bytes.
fn take_document(request: &Request) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let fits = usize::try_from(request.bytes).is_ok_and(|n| bytes.try_reserve_exact(n).is_ok());
    if !fits {
        return Ok(None);
    }
    let read = io::stdin().lock().take(request.bytes).read_to_end(&mut bytes)?;
    if (read as u64) < request.bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(bytes))
}

/// Waits for the end of standard input, and ends the process.
fn end_with_standard_input() {
    let _ = io::stdin().lock().read(&mut [0]);
    std::process::exit(1);
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    brief(text.unwrap_or_default())
}
