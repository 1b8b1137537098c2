//! Following a log to its end, whatever happens to the way there.

use std::time::Duration;

use contracts::sse::{Message, Parser};
use contracts::stream::StreamControl;
use contracts::{Event, JobId};
use engine::ErrorClass;
use engine::retry::{RetryPolicy, Verdict};
use engine::services::{Follower, Rendered};
use reqwest::Response;
use tokio::time::Instant;

use super::error::ClientError;
use super::http::Http;

/// No job runs longer, so a server that stays away for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(*contracts::limits::TIMEOUT_S.end() as u64);

/// A job's log, event by event, in order, without holes and repetitions.
pub(crate) struct Transcript {
    cursor: u64,
    ended: bool,
    source: Source,
    outage: Option<Outage>,
}

enum Source {
    Local(Box<Follower>),
    Http(Box<Stream>),
}

/// The event stream of a server.
struct Stream {
    http: Http,
    id: JobId,
    connection: Option<(Response, Parser)>,
    /// What the server asked to wait before coming back.
    pause: Option<Duration>,
}

/// Since when the log cannot be read, and how often that was tried.
struct Outage {
    began: Instant,
    failures: u32,
}

/// What a transcript says next.
pub(crate) enum Said {
    /// The next event.
    Event(Rendered),
    /// The way to the log is lost; it is looked for again. Said once an outage.
    Interrupted(ClientError),
}

/// What a stream brought.
enum Brought {
    Event(Rendered),
    /// Nothing that is in the log.
    Nothing,
    /// That the log has ended before.
    Ended,
}

/// Between two connections at the least, whatever a server says.
const PAUSE_MIN: Duration = Duration::from_millis(100);

impl Transcript {
    /// The log as this process reads it.
    pub(super) fn of(follower: Follower) -> Self {
        let cursor = follower.cursor();
        Self { cursor, ended: false, source: Source::Local(Box::new(follower)), outage: None }
    }

    /// The log as a server streams it, after version `after`.
    ///
    /// # Errors
    /// [`ClientError`], of the first connection: nothing is tried again yet.
    pub(super) async fn over_http(http: Http, id: JobId, after: u64) -> Result<Self, ClientError> {
        let response = http.events(id, after).await?;
        let ended = response.is_none();
        let connection = response.map(|response| (response, Parser::default()));
        let stream = Stream { http, id, connection, pause: None };
        Ok(Self { cursor: after, ended, source: Source::Http(Box::new(stream)), outage: None })
    }

    /// Waits for the next event. `None` once the log has ended.
    ///
    /// # Errors
    /// What does not pass by itself, or has not within an hour.
    pub(crate) async fn next(&mut self) -> Result<Option<Said>, ClientError> {
        while !self.ended {
            let brought = match &mut self.source {
                Source::Local(follower) => match follower.next().await {
                    Ok(Some(event)) => Ok(Brought::Event(event)),
                    Ok(None) => Ok(Brought::Ended),
                    Err(error) => Err(ClientError::from(error)),
                },
                Source::Http(stream) => stream.next(self.cursor).await,
            };
            match brought {
                // What was said before is not said again.
                Ok(Brought::Event(event)) if event.version <= self.cursor => {}
                Ok(Brought::Event(event)) => {
                    self.cursor = event.version;
                    self.ended = event.terminal;
                    self.outage = None;
                    return Ok(Some(Said::Event(event)));
                }
                Ok(Brought::Nothing) => {}
                Ok(Brought::Ended) => self.ended = true,
                Err(error) => {
                    if let Some(said) = self.wait_out(error).await? {
                        return Ok(Some(said));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Waits before the log is tried again; says so the first time.
    async fn wait_out(&mut self, error: ClientError) -> Result<Option<Said>, ClientError> {
        let policy = RetryPolicy {
            initial: Duration::from_millis(250),
            max: Duration::from_secs(5),
            ..RetryPolicy::default()
        };
        let class = match error {
            // There was a server a moment ago, and there will be one again.
            ClientError::Unreachable { .. } => ErrorClass::Transient { retry_after: None },
            ClientError::Refused(_)
            | ClientError::Lost { .. }
            | ClientError::NotUnderstood { .. }
            | ClientError::Setup(_)
            | ClientError::Store(_)
            | ClientError::DataDir(_)
            | ClientError::System(_) => error.class(),
        };
        let now = Instant::now();
        let is_first = self.outage.is_none();
        let outage = self.outage.get_or_insert(Outage { began: now, failures: 0 });
        let wait = match policy.verdict(outage.failures, class, rand::random()) {
            Verdict::RetryAfter(wait) if now - outage.began < PATIENCE => wait,
            Verdict::RetryAfter(_) | Verdict::WaitFor(_) | Verdict::GiveUp => return Err(error),
        };
        outage.failures += 1;
        if is_first {
            return Ok(Some(Said::Interrupted(error)));
        }
        tokio::time::sleep(wait).await;
        Ok(None)
    }
}

impl Stream {
    /// What comes next on the connection, or on a new one after `cursor`.
    async fn next(&mut self, cursor: u64) -> Result<Brought, ClientError> {
        let Some((response, parser)) = &mut self.connection else {
            return self.connect(cursor).await;
        };
        while parser.is_empty() {
            match response.chunk().await {
                Ok(Some(bytes)) => {
                    let pushed = parser.push(&bytes);
                    pushed.map_err(|error| self.http.not_understood(error.to_string()))?;
                }
                Ok(None) => return Err(self.hang_up(None)),
                Err(error) => return Err(self.hang_up(Some(error))),
            }
        }
        match parser.next_message() {
            Some(message) => self.understood(message, cursor),
            None => Ok(Brought::Nothing),
        }
    }

    async fn connect(&mut self, cursor: u64) -> Result<Brought, ClientError> {
        if let Some(pause) = self.pause.take() {
            tokio::time::sleep(pause).await;
        }
        self.http.look_again();
        let Some(response) = self.http.events(self.id, cursor).await? else {
            return Ok(Brought::Ended);
        };
        self.connection = Some((response, Parser::default()));
        Ok(Brought::Nothing)
    }

    fn hang_up(&mut self, error: Option<reqwest::Error>) -> ClientError {
        self.connection = None;
        self.http.lost(error)
    }

    fn understood(&mut self, message: Message, cursor: u64) -> Result<Brought, ClientError> {
        let Message { id, data } = message;
        if id.is_none() {
            return self.heed(&data);
        }
        let event: Event = serde_json::from_str(&data)
            .map_err(|error| self.http.not_understood(format!("an event: {error}")))?;
        let (version, terminal) = (event.version(), event.is_terminal());
        if version > cursor + 1 {
            // Something is missing: the log is asked for it.
            return Err(self.hang_up(None));
        }
        Ok(Brought::Event(Rendered { version, terminal, json: data.into(), news_of: None }))
    }

    /// What the server says about the stream. Frames of later releases are passed over.
    fn heed(&mut self, data: &str) -> Result<Brought, ClientError> {
        match serde_json::from_str(data) {
            Ok(StreamControl::Closing { retry_after_ms, .. }) => {
                self.connection = None;
                self.pause = Some(Duration::from_millis(retry_after_ms).clamp(PAUSE_MIN, PATIENCE));
                Ok(Brought::Nothing)
            }
            Ok(StreamControl::Error { problem, .. }) => Err(ClientError::Refused(problem)),
            Ok(StreamControl::Ready { .. }) | Err(_) => Ok(Brought::Nothing),
        }
    }
}
