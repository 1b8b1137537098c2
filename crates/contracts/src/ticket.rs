//! Tickets: what a page shows instead of a key, to read some jobs for a while.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::fields::Fields;
use crate::ids::JobId;
use crate::limits;
use crate::request::{RequestError, parse_json};
#[cfg(feature = "schema")]
use crate::schema;
use crate::time::Timestamp;

/// The body of `POST /v1/tickets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(transform = schema::ticket_request))]
pub struct TicketRequest {
    /// The jobs to read: 1 to [`limits::TICKET_JOBS_MAX`].
    pub jobs: Vec<JobId>,
}

impl TicketRequest {
    /// Reads a request's body.
    ///
    /// # Errors
    /// As [`crate::Submission::parse`].
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let mut errors = Vec::new();
        let mut fields = Fields::of(parse_json(body)?, "", &mut errors);
        let jobs = fields.optional_array("jobs", limits::TICKET_JOBS_MAX, |item| {
            item.as_str().and_then(|id| id.parse().ok()).ok_or("must be a job id")
        });
        match &jobs {
            Some(jobs) if jobs.is_empty() => fields.refuse("jobs", "must name a job"),
            None if fields.errors().is_empty() => fields.refuse("jobs", "is required"),
            Some(_) | None => {}
        }
        fields.finish();
        let jobs = jobs.unwrap_or_default();
        if errors.is_empty() { Ok(Self { jobs }) } else { Err(RequestError::Invalid(errors)) }
    }
}

/// The right to read some jobs and their streams for a while, whoever shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ticket {
    /// To be sent as `?ticket=`, or as the WebSocket subprotocol `assay.ticket.…` beside
    /// `assay.v1`. It means nothing to its bearer.
    pub ticket: String,
    /// The jobs it is good for.
    pub jobs: Vec<TicketJob>,
}

/// What a ticket is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TicketJob {
    /// The job.
    pub job_id: JobId,
    /// Until then: five minutes after the job's deadline, or after the issue if it had ended.
    pub expires_at: Timestamp,
}

/// A ticket is a secret of its bearer: it is not shown.
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("jobs", &self.jobs).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(body: &serde_json::Value) -> Vec<String> {
        match TicketRequest::parse(body.to_string().as_bytes()) {
            Err(RequestError::Invalid(errors)) => errors.into_iter().map(|e| e.pointer).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_names_one_to_a_hundred_jobs() {
        let id = JobId::new();
        let parsed = TicketRequest::parse(json!({"jobs": [id]}).to_string().as_bytes());
        assert_eq!(parsed, Ok(TicketRequest { jobs: vec![id] }));
        for (body, pointer) in [
            (json!({}), "/jobs"),
            (json!({"jobs": []}), "/jobs"),
            (json!({"jobs": "x"}), "/jobs"),
            (json!({"jobs": [id, "x"]}), "/jobs/1"),
            (json!({"jobs": vec![id; 101]}), "/jobs"),
            (json!({"jobs": [id], "more": 1}), "/more"),
        ] {
            assert_eq!(pointers(&body), [pointer], "{body}");
        }
    }

    #[test]
    fn a_ticket_is_not_shown() {
        let ticket = Ticket { ticket: "very-private".to_owned(), jobs: Vec::new() };
        assert!(!format!("{ticket:?}").contains("private"));
    }
}
