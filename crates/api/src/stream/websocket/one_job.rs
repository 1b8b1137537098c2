//! A socket at a job's own address.

use actix_web::web::Payload;
use actix_web::{HttpRequest, HttpResponse};
use contracts::StreamControl;
use contracts::stream::ClosingReason;
use engine::services::QueryError;
use telemetry::metrics::streams::Kind;

use super::conversation::{End, Topic, Turn};
use super::refusal::Refusal;
use super::{close, open, trace_id};
use crate::access::{self, Ticket};
use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::State;
use crate::stream::feed::{Feed, Next};

const ENDED: End = End::Close(close::JOB_ENDED, "the job ended");

/// Upgrades, and follows the job.
pub(crate) async fn serve(
    state: &State,
    job_id: &str,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let mut query = Parameters::of(request.query_string())?;
    let after = query.parse("after", "a version")?.unwrap_or(0);
    let ticket = Ticket::shown(request, &mut query)?;
    query.finish()?;
    let start = async {
        let id = job_id.parse().map_err(|_| Refusal::from(QueryError::NotFound))?;
        let tenant = access::to_job(state, ticket, id).await?;
        let follower = state.jobs.follow(&tenant, id, after).await?;
        let feed = Feed::new(follower, state, Kind::WebSocket, trace_id(request));
        Ok(OneJob { ready: Some(feed.ready().clone()), feed })
    };
    open(state, request, payload, start).await
}

struct OneJob {
    /// The first frame, until it is said.
    ready: Option<StreamControl>,
    feed: Feed,
}

impl Topic for OneJob {
    async fn next(&mut self) -> Turn {
        if let Some(ready) = self.ready.take() {
            return Turn::say(&ready);
        }
        match self.feed.next().await {
            Next::Event(event) if event.terminal => Turn::SayLast(event.json, ENDED),
            Next::Event(event) => Turn::Say(event.json),
            Next::Ended => Turn::End(ENDED),
            Next::Gone(problem) => {
                let frame = StreamControl::Error { job_id: None, problem };
                Turn::say_last(&frame, End::Close(close::GONE, "the job was deleted"))
            }
            Next::Closing(closing) => {
                let end = match closing.reason {
                    ClosingReason::Restart => End::Close(close::RESTART, "restarting"),
                    ClosingReason::Overloaded
                    | ClosingReason::TooSlow
                    | ClosingReason::StoreUnavailable => {
                        End::Close(close::OVERLOADED, "try again later")
                    }
                };
                Turn::say_last(&closing.control(), end)
            }
        }
    }

    fn hear(&mut self, _: &str) -> Option<Turn> {
        Some(Turn::End(End::Close(close::BAD_FRAME, "this socket takes no messages")))
    }
}
