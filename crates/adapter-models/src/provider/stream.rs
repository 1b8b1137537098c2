//! One request, and its answer as it streams in.

use std::time::Duration;

use contracts::sse::Parser;
use engine::ports::ModelError;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout, timeout_at};

use super::failure::{self, Failure};
use super::protocol::{Piece, ReadFault, StreamReader, garbled};
use super::retry_after::retry_after;
use super::settings::{ApiKey, ProviderSettings};

/// Bytes of an answer's stream at the most; each token comes in some 200 bytes.
const STREAM_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Bytes of an error's body that are read.
const ERROR_BYTES_MAX: usize = 16 * 1024;
/// How long is waited for the body of an error: its status says enough.
const ERROR_BODY_WAIT: Duration = Duration::from_secs(2);

/// An answer as it streams in.
pub(super) struct Stream<'a, R> {
    response: Response,
    parser: Parser,
    reader: R,
    key: Option<&'a ApiKey>,
    bytes: usize,
    idle_timeout: Duration,
    first_by: Instant,
    has_begun: bool,
    is_over: bool,
}

impl<'a, R: StreamReader> Stream<'a, R> {
    /// Sends a request, and waits for the head of its answer.
    ///
    /// # Errors
    /// [`ModelError`], of which docs/models.md has the table.
    pub(super) async fn open(
        request: reqwest::RequestBuilder,
        settings: &'a ProviderSettings,
    ) -> Result<Self, ModelError> {
        let first_by = Instant::now() + settings.first_token_timeout;
        let key = settings.api_key.as_ref();
        let sent = timeout_at(first_by, request.send()).await.map_err(|_| ModelError::Timeout)?;
        let response = sent.map_err(|error| failure::broken(&error))?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(refusal(response, key).await);
        }
        let content_type = response.headers().get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !content_type.to_ascii_lowercase().starts_with("text/event-stream") {
            let detail = "what it answers is no event stream".to_owned();
            return Err(ModelError::Unavailable { detail, retry_after: None });
        }
        Ok(Self {
            response,
            parser: Parser::default(),
            reader: R::default(),
            key,
            bytes: 0,
            idle_timeout: settings.idle_timeout,
            first_by,
            has_begun: false,
            is_over: false,
        })
    }

    /// The next text of the answer; `None` at its end.
    ///
    /// # Errors
    /// As [`Self::open`]. Nothing follows an error.
    pub(super) async fn next(&mut self) -> Result<Option<String>, ModelError> {
        // Time that passed before this call was ours, not the provider's.
        let mut since = Instant::now();
        loop {
            while let Some(message) = self.parser.next_message() {
                let Piece { text, is_progress, is_end } =
                    self.reader.read(&message.data).map_err(|fault| match fault {
                        ReadFault::Garbled(detail) => garbled(detail),
                        ReadFault::Told(event) => failure::told(&event, self.key),
                    })?;
                self.is_over |= is_end;
                if is_progress {
                    self.has_begun = true;
                    since = Instant::now();
                }
                if !text.is_empty() {
                    return Ok(Some(text));
                }
            }
            if self.is_over {
                return Ok(None);
            }
            let by = if self.has_begun { since + self.idle_timeout } else { self.first_by };
            let read = timeout_at(by, self.response.chunk()).await;
            match read.map_err(|_| ModelError::Timeout)?.map_err(|error| failure::broken(&error))? {
                Some(bytes) => self.take(&bytes)?,
                // The last word of some servers is why the answer ended.
                None if self.reader.tally().stop.is_some() => return Ok(None),
                None => {
                    let detail = "its answer broke off".to_owned();
                    return Err(ModelError::Unavailable { detail, retry_after: None });
                }
            }
        }
    }

    /// What is known of the answer.
    pub(super) fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), ModelError> {
        self.bytes += bytes.len();
        if self.bytes > STREAM_BYTES_MAX {
            return Err(ModelError::Invalid(format!("it has more than {STREAM_BYTES_MAX} bytes")));
        }
        self.parser.push(bytes).map_err(|error| ModelError::Invalid(error.to_string()))
    }
}

/// What an answer that is no success means.
async fn refusal(mut response: Response, key: Option<&ApiKey>) -> ModelError {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers(), jiff::Timestamp::now());
    let mut body = Vec::new();
    let read = async {
        while body.len() < ERROR_BYTES_MAX
            && let Ok(Some(bytes)) = response.chunk().await
        {
            body.extend_from_slice(&bytes);
        }
    };
    // A body that does not come says nothing, and that is an answer, too.
    let _ = timeout(ERROR_BODY_WAIT, read).await;
    body.truncate(ERROR_BYTES_MAX);
    Failure { status, retry_after, body: &String::from_utf8_lossy(&body), key }.error()
}
