//! Who asks, and what they may read.
//!
//! There are no keys yet: whoever shows no ticket may do everything. Whoever shows one is bound
//! by it.

use actix_web::HttpRequest;
use actix_web::http::header;
use contracts::{Code, JobId, TenantId};
use engine::ports::{Clock as _, StoreError};
use engine::services::ReadTicketError;
use engine::ticket::{Grant, NotGranted};

use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::{State, tenant};

/// The subprotocol that is agreed on with a client that asks for one: a browser gives a socket up
/// whose server picks none of those that it offered.
pub(crate) const SUBPROTOCOL: &str = "assay.v1";
/// What a ticket's name as a subprotocol begins with. It is never picked, so it is in no answer.
const TICKET_PROTOCOL: &str = "assay.ticket.";

/// A ticket as it was sent. It is not shown to anybody: there is no `Debug`.
pub(crate) struct Ticket(String);

/// What whoever asks may read.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    tenant: TenantId,
    /// Only this, if there is a ticket.
    grant: Option<Grant>,
}

/// Why something may not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    /// The ticket is none, or of another system.
    #[error("the ticket is not valid")]
    Forged,
    /// The ticket does not allow it.
    #[error(transparent)]
    NotGranted(#[from] NotGranted),
    /// It cannot be checked.
    #[error(transparent)]
    Store(StoreError),
}

impl Ticket {
    /// The ticket that comes with this request, if one does. Takes it out of the parameters.
    pub(crate) fn shown(
        request: &HttpRequest,
        query: &mut Parameters,
    ) -> Result<Option<Self>, ApiError> {
        match (query.text(Parameters::TICKET)?, offered(request)) {
            (Some(_), Some(_)) => Err(ApiError::invalid("One ticket can be shown, not more.")),
            (ticket, None) | (None, ticket) => Ok(ticket.map(Self)),
        }
    }
}

impl Access {
    /// What this ticket allows; everything, if there is none.
    pub(crate) async fn with(state: &State, ticket: Option<Ticket>) -> Result<Self, AccessError> {
        let Some(Ticket(ticket)) = ticket else {
            return Ok(Self { tenant: tenant(), grant: None });
        };
        let grant = state.jobs.read_ticket(&ticket).await.map_err(|error| match error {
            ReadTicketError::Forged(_) => AccessError::Forged,
            ReadTicketError::Store(error) => AccessError::Store(error),
        })?;
        Ok(Self { tenant: grant.tenant.clone(), grant: Some(grant) })
    }

    /// Whose jobs they are.
    pub(crate) const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Whether this job may be read now. By the gateway's clock: a ticket has minutes to spare.
    pub(crate) fn check(&self, state: &State, id: JobId) -> Result<(), AccessError> {
        match &self.grant {
            Some(grant) => Ok(grant.check(id, state.clock.now())?),
            None => Ok(()),
        }
    }
}

/// The ticket among the subprotocols that a client offers.
fn offered(request: &HttpRequest) -> Option<String> {
    let offers = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut names = offers.filter_map(|offer| offer.to_str().ok()).flat_map(|o| o.split(','));
    names.find_map(|name| name.trim().strip_prefix(TICKET_PROTOCOL)).map(str::to_owned)
}

impl From<AccessError> for ApiError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Forged => Self::new(Code::Unauthorized, "The ticket is not valid."),
            AccessError::NotGranted(NotGranted::Expired) => Self::new(
                Code::Unauthorized,
                "The ticket has expired. Whoever has a key can issue another one.",
            ),
            AccessError::NotGranted(NotGranted::OtherJob) => {
                Self::new(Code::Forbidden, "The ticket is for other jobs.")
            }
            AccessError::Store(error) => error.into(),
        }
    }
}

/// Whose the job is, for whoever may read it.
pub(crate) async fn to_job(
    state: &State,
    ticket: Option<Ticket>,
    id: JobId,
) -> Result<TenantId, AccessError> {
    let access = Access::with(state, ticket).await?;
    access.check(state, id)?;
    Ok(access.tenant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_ticket_is_found_among_the_subprotocols() {
        let offer = |offer: &str| {
            let request = TestRequest::default();
            offered(
                &request.insert_header((header::SEC_WEBSOCKET_PROTOCOL, offer)).to_http_request(),
            )
        };
        assert_eq!(offer("assay.v1, assay.ticket.abc"), Some("abc".to_owned()));
        assert_eq!(offer("assay.ticket.abc,assay.v1"), Some("abc".to_owned()));
        assert_eq!(offer("assay.v1, chat"), None);
    }
}
