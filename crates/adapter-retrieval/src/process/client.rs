//! The parent: one child for each document.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use engine::ports::{DocumentReader, MediaType, ReadDocument, ReadError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::ReaderLimits;
use super::ending::{brief, reason};
use super::request::{Answer, Request};

/// What a program that reads documents is called with.
const SUBCOMMAND: &str = "read-document";

/// The end of a child's standard error that is kept.
const STDERR_BYTES_MAX: usize = 8 << 10;

/// The wait for a child that was killed. Longer, and it is left to the runtime.
const REAP_MAX: Duration = Duration::from_secs(5);

/// Reads each document in a process of its own, which is gone when the reading has ended, however
/// it ended.
#[derive(Debug)]
pub struct ReaderProcess {
    program: PathBuf,
    limits: ReaderLimits,
    children: Semaphore,
}

impl ReaderProcess {
    /// A reader that runs `program read-document`, which calls [`super::serve_document`]. The path
    /// is absolute.
    #[must_use]
    pub fn new(program: PathBuf, limits: ReaderLimits) -> Self {
        let children = Semaphore::new(limits.children_max.get().min(Semaphore::MAX_PERMITS));
        Self { program, limits, children }
    }

    fn spawn(&self) -> io::Result<Child> {
        Command::new(&self.program)
            .arg(SUBCOMMAND)
            // It has no secrets to lose and no folder to look into.
            .env_clear()
            .current_dir("/")
            // An interrupt from the keyboard goes to a whole group; the parent may drain first.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
    }

    async fn run(&self, request: &Request, bytes: Vec<u8>) -> Result<Ended, ReadError> {
        let mut child = self.spawn().map_err(|error| unavailable("it does not start", &error))?;
        let exchange = exchange(&mut child, request, bytes, self.limits.answer_bytes_max);
        let ended = timeout(self.limits.wall_max, exchange).await;
        let ended = ended.unwrap_or(Err(ReadError::TooSlow { max: self.limits.wall_max }));
        if ended.is_err() {
            // It may still run. If it cannot be killed or waited for, it has ended already.
            let _ = timeout(REAP_MAX, child.kill()).await;
        }
        ended
    }
}

#[async_trait]
impl DocumentReader for ReaderProcess {
    async fn read(&self, bytes: Vec<u8>, media_type: MediaType) -> Result<ReadDocument, ReadError> {
        // Held until the answer is understood: it bounds the answers in memory too. If this future
        // is dropped, the child is killed, and reaped by the runtime.
        let _permit = self.children.acquire().await.map_err(|closed| {
            ReadError::Unavailable(format!("it takes no more documents: {closed}"))
        })?;
        let request = Request::new(media_type, bytes.len(), &self.limits);
        let Ended { status, answer, said } = self.run(&request, bytes).await?;
        let answered = !answer.is_empty() && status.success();
        let read = match parse(answer).await? {
            Ok(read) => read,
            Err(error) if answered => {
                Err(ReadError::Crashed(brief(&format!("its answer is none: {error}"))))
            }
            Err(_) => Err(reason(status, &said, &request)),
        };
        if let Err(ReadError::Crashed(what)) = &read {
            let media_type = media_type.as_str();
            tracing::warn!(media_type, what, %status, stderr = said, "a document broke its reader");
        }
        read
    }
}

/// A child that has ended by itself.
struct Ended {
    status: ExitStatus,
    answer: Vec<u8>,
    /// The end of what it wrote to standard error.
    said: String,
}

/// Writes the document and reads the answer, both at once, until the child has ended.
async fn exchange(
    child: &mut Child,
    request: &Request,
    bytes: Vec<u8>,
    answer_bytes_max: usize,
) -> Result<Ended, ReadError> {
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(ReadError::Unavailable("it has no pipes".to_owned()));
    };
    let (_stdin, answer, said) = tokio::try_join!(
        send(stdin, request.to_line(), bytes),
        receive(stdout, answer_bytes_max),
        tail(stderr),
    )?;
    // Standard input is open until here: its end ends the child.
    let status = child.wait().await.map_err(|error| unavailable("it is lost", &error))?;
    Ok(Ended { status, answer, said })
}

/// Writes a request and its document, and gives back the pipe, still open. A child that does not
/// take all of it has its reasons, which are found when it ends.
async fn send(mut to: ChildStdin, line: Vec<u8>, bytes: Vec<u8>) -> Result<ChildStdin, ReadError> {
    if to.write_all(&line).await.is_ok() {
        let _ = to.write_all(&bytes).await;
    }
    Ok(to)
}

async fn receive(from: impl AsyncRead + Unpin, max: usize) -> Result<Vec<u8>, ReadError> {
    let mut answer = Vec::new();
    let read = from.take((max as u64).saturating_add(1)).read_to_end(&mut answer).await;
    read.map_err(|error| unavailable("its answer is lost", &error))?;
    if answer.len() > max {
        return Err(ReadError::TooMuchMemory { max_bytes: max as u64 });
    }
    Ok(answer)
}

/// Reads to the end, and keeps the last [`STDERR_BYTES_MAX`]: what breaks a program off is what it
/// says last.
async fn tail(mut from: impl AsyncRead + Unpin) -> Result<String, ReadError> {
    let mut kept = VecDeque::with_capacity(2 * STDERR_BYTES_MAX);
    let mut part = [0; STDERR_BYTES_MAX];
    loop {
        let read = from.read(&mut part).await;
        let read = read.map_err(|error| unavailable("its complaints are lost", &error))?;
        if read == 0 {
            break;
        }
        kept.extend(&part[..read]);
        kept.drain(..kept.len().saturating_sub(STDERR_BYTES_MAX));
    }
    Ok(String::from_utf8_lossy(kept.make_contiguous()).into_owned())
}

/// Parses an answer, off the runtime's own threads: a large one takes a second.
async fn parse(answer: Vec<u8>) -> Result<serde_json::Result<Answer>, ReadError> {
    let parsing = tokio::task::spawn_blocking(move || serde_json::from_slice(&answer));
    parsing.await.map_err(|stopped| {
        ReadError::Unavailable(format!("its answer was not understood: {stopped}"))
    })
}

fn unavailable(what: &str, error: &io::Error) -> ReadError {
    ReadError::Unavailable(format!("{what}: {error}"))
}
