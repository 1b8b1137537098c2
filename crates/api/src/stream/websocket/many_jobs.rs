//! `GET /v1/stream`: many jobs on one socket.
//!
//! Each subscription takes turns: one event, then it queues up behind the others, so that a job
//! with much to say holds up nobody. While the reader takes nothing no turn is taken, and each
//! follower forgets and reads on from the log, as on a socket of its own.

use std::collections::HashMap;

use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use contracts::stream::ClosingReason;
use contracts::{ClientFrame, Code, JobId, Problem, StreamControl, limits};
use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Abortable, BoxFuture, FutureExt as _};
use futures_util::stream::FuturesUnordered;
use telemetry::metrics::streams::Kind;

use super::conversation::{End, Topic, Turn};
use super::refusal::Refusal;
use super::{close, is_asked_for, open, trace_id};
use crate::access::{Access, Ticket};
use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::State;
use crate::stream::feed::{Closing, Feed, Next};

const RESTARTING: End = End::Close(close::RESTART, "restarting");

/// Upgrades, and follows the jobs that the client subscribes to.
pub(crate) async fn serve(
    state: Data<State>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, ApiError> {
    let mut query = Parameters::of(request.query_string())?;
    let ticket = Ticket::shown(&request, &mut query)?;
    query.finish()?;
    if !is_asked_for(&request) {
        return Err(ApiError::invalid("This address is a WebSocket's: ask for an upgrade."));
    }
    let start = async {
        let access = Access::with(&state, ticket).await?;
        Ok::<_, Refusal>(ManyJobs {
            state: State::clone(&state),
            access,
            trace_id: trace_id(&request),
            turns: FuturesUnordered::new(),
            subscriptions: HashMap::new(),
        })
    };
    open(&state, &request, payload, start).await
}

struct ManyJobs {
    state: State,
    access: Access,
    trace_id: String,
    /// The turn that each subscription waits for, in the order in which they asked.
    turns: FuturesUnordered<Abortable<BoxFuture<'static, Brought>>>,
    /// What ends each subscription: at most [`limits::SUBSCRIPTIONS_PER_SOCKET_MAX`].
    subscriptions: HashMap<JobId, AbortHandle>,
}

/// What a turn of a subscription brought.
struct Brought {
    id: JobId,
    what: What,
}

enum What {
    /// The log is there.
    Begun(Feed),
    /// It is not.
    Refused(Box<Problem>),
    /// Something to say.
    Next(Feed, Next),
}

impl Topic for ManyJobs {
    async fn next(&mut self) -> Turn {
        loop {
            match self.turns.next().await {
                Some(Ok(brought)) => {
                    if let Some(turn) = self.settle(brought) {
                        return turn;
                    }
                }
                // It was ended by the client, or began again.
                Some(Err(_aborted)) => {}
                None => {
                    self.state.draining.cancelled().await;
                    return Turn::End(RESTARTING);
                }
            }
        }
    }

    fn hear(&mut self, text: &str) -> Option<Turn> {
        match serde_json::from_str(text) {
            Ok(ClientFrame::Subscribe { job_id, after }) => self.subscribe(job_id, after),
            Ok(ClientFrame::Unsubscribe { job_id }) => {
                self.end(job_id);
                None
            }
            Err(_) => {
                let detail = "A frame is {\"type\": \"subscribe\", \"job_id\": …, \"after\": 0} or \
                              {\"type\": \"unsubscribe\", \"job_id\": …}.";
                let problem = ApiError::invalid(detail).problem(&self.trace_id);
                let frame = StreamControl::Error { job_id: None, problem: Box::new(problem) };
                Some(Turn::say_last(&frame, End::Close(close::BAD_FRAME, "not a valid frame")))
            }
        }
    }
}

impl ManyJobs {
    /// Follows a job; one that is followed already is followed anew, from the cursor.
    fn subscribe(&mut self, id: JobId, after: u64) -> Option<Turn> {
        self.end(id);
        if self.subscriptions.len() >= limits::SUBSCRIPTIONS_PER_SOCKET_MAX {
            let max = limits::SUBSCRIPTIONS_PER_SOCKET_MAX;
            let detail = format!("One socket follows at most {max} jobs. Open another one.");
            return Some(self.fault(id, &ApiError::new(Code::QuotaExceeded, detail)));
        }
        if let Err(error) = self.access.check(&self.state, id) {
            return Some(self.fault(id, &error.into()));
        }
        let state = self.state.clone();
        let tenant = self.access.tenant().clone();
        let trace_id = self.trace_id.clone();
        let begin = async move {
            let what = match state.jobs.follow(&tenant, id, after).await {
                Ok(follower) => {
                    What::Begun(Feed::new(follower, &state, Kind::SharedWebSocket, trace_id))
                }
                Err(error) => {
                    let error = ApiError::from(error);
                    error.log();
                    What::Refused(Box::new(error.problem(&trace_id)))
                }
            };
            Brought { id, what }
        };
        self.queue(id, begin.boxed());
        None
    }

    /// Says what a turn brought, if anything, and has the subscription wait for its next one.
    fn settle(&mut self, Brought { id, what }: Brought) -> Option<Turn> {
        match what {
            What::Begun(feed) => {
                let ready = Turn::say(feed.ready());
                self.wait_for_next(id, feed);
                Some(ready)
            }
            What::Next(feed, Next::Event(event)) => {
                if event.terminal {
                    self.end(id);
                } else {
                    self.wait_for_next(id, feed);
                }
                Some(Turn::Say(event.json))
            }
            // It began at the end of its log: the client has the event that says so.
            What::Next(_, Next::Ended) => {
                self.end(id);
                None
            }
            What::Refused(problem) | What::Next(_, Next::Gone(problem)) => {
                self.end(id);
                Some(Turn::say(&StreamControl::Error { job_id: Some(id), problem }))
            }
            What::Next(_, Next::Closing(closing)) => Some(self.close(id, closing)),
        }
    }

    /// Ends a subscription before its job; with the last one of a gateway that drains, the socket.
    fn close(&mut self, id: JobId, closing: Closing) -> Turn {
        self.end(id);
        let frame = closing.control_of(id);
        if closing.reason == ClosingReason::Restart && self.subscriptions.is_empty() {
            Turn::say_last(&frame, RESTARTING)
        } else {
            Turn::say(&frame)
        }
    }

    fn wait_for_next(&mut self, id: JobId, mut feed: Feed) {
        let next = async move {
            let next = feed.next().await;
            Brought { id, what: What::Next(feed, next) }
        };
        self.queue(id, next.boxed());
    }

    fn queue(&mut self, id: JobId, turn: BoxFuture<'static, Brought>) {
        let (abort, registration) = AbortHandle::new_pair();
        self.subscriptions.insert(id, abort);
        self.turns.push(Abortable::new(turn, registration));
    }

    fn end(&mut self, id: JobId) {
        if let Some(subscription) = self.subscriptions.remove(&id) {
            subscription.abort();
        }
    }

    fn fault(&self, id: JobId, error: &ApiError) -> Turn {
        let problem = Box::new(error.problem(&self.trace_id));
        Turn::say(&StreamControl::Error { job_id: Some(id), problem })
    }
}
