//! Reading one document, under its lease.

use std::pin::pin;
use std::time::Duration;

use contracts::{Code, Origin, Problem, TraceContext};
use telemetry::metrics::documents::{self, Reading};
use telemetry::spans;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use super::Ingest;
use crate::ports::{ClaimedDocument, DocumentHold, ReadError, ReadOutcome, StoreError};
use crate::reading::{LEASE, TIME_MAX};

/// How often a lease is renewed while its document is read.
const RENEWAL: Duration = Duration::from_secs(10);
/// How long the end of a reading is sent again: what is left of a lease at the least.
const FINISH_MAX: Duration = Duration::from_secs(20);
const FINISH_PAUSE: Duration = Duration::from_millis(500);

/// How a reading came to its end.
enum Ending {
    Finished(Box<ReadOutcome>),
    /// The document was not to blame, or there was no time: somebody else reads it.
    GivenUp,
    /// The lease is somebody else's by now.
    Lost,
}

impl Ingest {
    /// Claims a pending document and reads it to its end, or gives it back on `stop`. `false` if
    /// there was nothing to claim, or if the reader could not do its work.
    pub(super) async fn read_next(&self, stop: &CancellationToken) -> Result<bool, StoreError> {
        let Some(claimed) = self.documents.claim(LEASE).await? else { return Ok(false) };
        let (hold, began) = (claimed.hold, Instant::now());
        let span = spans::document(hold.id, &claimed.trace);
        match self.read_claimed(claimed, stop).instrument(span).await {
            Ending::Finished(outcome) => {
                let reading = match outcome.as_ref() {
                    ReadOutcome::Read(_) => Reading::Ready,
                    ReadOutcome::Failed(_) => Reading::Failed,
                };
                self.finish(hold, *outcome).await?;
                documents::read(reading, began.elapsed());
                Ok(true)
            }
            Ending::GivenUp => {
                self.documents.release(hold).await?;
                documents::read(Reading::GivenBack, began.elapsed());
                Ok(false)
            }
            Ending::Lost => {
                tracing::warn!(document_id = %hold.id, "the lease of a document was lost");
                Ok(true)
            }
        }
    }

    /// Ends a document's reading. A store that is away for a moment is asked again while the lease
    /// may last: else the reading would be lost, and count as a crash.
    async fn finish(&self, hold: DocumentHold, outcome: ReadOutcome) -> Result<(), StoreError> {
        let end = Instant::now() + FINISH_MAX;
        loop {
            match self.documents.finish(hold, outcome.clone()).await {
                Ok(Some(_)) => return Ok(()),
                // Somebody else's by now, or an earlier try had landed after all.
                Ok(None) => {
                    tracing::warn!(document_id = %hold.id, "the end of a reading was refused");
                    return Ok(());
                }
                Err(error @ (StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_)))
                    if Instant::now() < end =>
                {
                    tracing::warn!(error = &error as &dyn std::error::Error, "sent again");
                    sleep(FINISH_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn read_claimed(&self, claimed: ClaimedDocument, stop: &CancellationToken) -> Ending {
        let ClaimedDocument { hold, media_type, bytes, trace, left } = claimed;
        let reading = pin!(self.reader.read(bytes, media_type));
        tokio::select! {
            biased;
            read = reading => match read {
                Ok(document) => finished(ReadOutcome::Read(document)),
                Err(error) => failed(&error, &trace),
            },
            () = stop.cancelled() => Ending::GivenUp,
            () = sleep(left) => {
                failed(&ReadError::TooSlow { max: TIME_MAX }, &trace)
            }
            () = self.lose(hold) => Ending::Lost,
        }
    }

    /// Renews a lease until it is lost.
    async fn lose(&self, hold: DocumentHold) {
        loop {
            sleep(RENEWAL).await;
            match self.documents.renew(hold, LEASE).await {
                Ok(true) => {}
                Ok(false) => return,
                // Whether it is lost is not known: what is read will be accepted or not.
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "lease not renewed");
                }
            }
        }
    }
}

fn finished(outcome: ReadOutcome) -> Ending {
    Ending::Finished(Box::new(outcome))
}

/// The end of a document that cannot be read, with what a client reads of it; or of the reading
/// alone.
fn failed(error: &ReadError, trace: &TraceContext) -> Ending {
    let code = match error {
        ReadError::TooManyPages { .. } => Code::PayloadTooLarge,
        ReadError::Malformed { .. }
        | ReadError::Encrypted
        | ReadError::NoText
        | ReadError::TooMuchMemory { .. }
        | ReadError::TooSlow { .. }
        | ReadError::Crashed(_) => Code::DocumentUnreadable,
        ReadError::Unavailable(_) => {
            tracing::warn!(error = error as &dyn std::error::Error, "a document was not read");
            return Ending::GivenUp;
        }
    };
    spans::failed(&Span::current(), code.as_str());
    let problem = Problem::new(code, Origin::Source, error.to_string());
    finished(ReadOutcome::Failed(problem.in_trace(trace.trace_id())))
}
