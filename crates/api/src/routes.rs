//! Every address of the gateway, on one screen.

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, Route};

use crate::description;
use crate::handlers::{
    cancel, delete, events, get_job, health, limits, list_jobs, metrics, problems, retry, submit,
    tickets,
};
use crate::problem::ApiError;
use crate::stream::websocket;
use contracts::Code;

/// Where a submission's `Location` begins.
pub(crate) const ANALYSIS: &str = "/v1/analysis";

/// An address and what it answers to.
pub(crate) struct Address {
    /// Its path, with the names of its parameters in braces.
    pub(crate) path: &'static str,
    pub(crate) calls: &'static [Call],
}

/// A handler and the methods that lead to it.
pub(crate) struct Call {
    pub(crate) methods: &'static [Method],
    handler: fn() -> Route,
}

/// What can be read can be asked about without its body, too (RFC 9110, 9.3.2).
const fn read(handler: fn() -> Route) -> Call {
    Call { methods: &[Method::GET, Method::HEAD], handler }
}

/// What is nothing without its body: a socket.
const fn get(handler: fn() -> Route) -> Call {
    Call { methods: &[Method::GET], handler }
}

const fn post(handler: fn() -> Route) -> Call {
    Call { methods: &[Method::POST], handler }
}

const fn delete(handler: fn() -> Route) -> Call {
    Call { methods: &[Method::DELETE], handler }
}

/// What a gateway answers beside its health. The documents of the API describe these, and no
/// others: the tests of [`description`] hold the two together.
pub(crate) const ADDRESSES: &[Address] = &[
    Address {
        path: ANALYSIS,
        calls: &[post(|| web::to(submit::handle)), read(|| web::to(list_jobs::handle))],
    },
    // The job's own address is its WebSocket's, too.
    Address {
        path: "/v1/analysis/{id}",
        calls: &[read(|| web::to(get_job::handle)), delete(|| web::to(delete::handle))],
    },
    Address { path: "/v1/analysis/{id}/events", calls: &[read(|| web::to(events::handle))] },
    Address { path: "/v1/analysis/{id}/cancel", calls: &[post(|| web::to(cancel::handle))] },
    Address { path: "/v1/analysis/{id}/retry", calls: &[post(|| web::to(retry::handle))] },
    Address { path: "/v1/analysis/{id}/tickets", calls: &[post(|| web::to(tickets::for_job))] },
    Address { path: "/v1/tickets", calls: &[post(|| web::to(tickets::for_jobs))] },
    Address { path: "/v1/stream", calls: &[get(|| web::to(websocket::serve_many))] },
    Address { path: "/v1/limits", calls: &[read(|| web::to(limits::handle))] },
    Address { path: "/v1/problems", calls: &[read(|| web::to(problems::list))] },
    Address { path: "/v1/problems/{code}", calls: &[read(|| web::to(problems::show))] },
    Address { path: "/openapi.json", calls: &[read(|| web::to(description::openapi))] },
    Address { path: "/asyncapi.json", calls: &[read(|| web::to(description::asyncapi))] },
    Address { path: "/docs", calls: &[read(|| web::to(description::docs))] },
];

/// How the process is.
pub(crate) const HEALTH: &[Address] = &[
    Address { path: "/healthz", calls: &[read(|| web::to(health::alive))] },
    Address { path: "/readyz", calls: &[read(|| web::to(health::ready))] },
];

/// What is for those who look after the process, and not on the port for clients.
const ADMIN: &[Address] =
    &[Address { path: "/metrics", calls: &[read(|| web::to(metrics::handle))] }];

/// The address of a request, as far as it is traced and measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addressed {
    /// This pattern.
    To(&'static str),
    /// Nothing is there.
    Nowhere,
    /// Whoever looks after the process asks for it.
    Admin,
}

impl Addressed {
    /// The pattern of the address, where a client asks for what is there.
    pub(crate) const fn route(self) -> Option<&'static str> {
        match self {
            Self::To(route) => Some(route),
            Self::Nowhere | Self::Admin => None,
        }
    }

    /// Where a request goes.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let Some(pattern) = request.match_pattern() else { return Self::Nowhere };
        let is_it = |address: &&Address| address.path == pattern;
        match ADDRESSES.iter().find(is_it) {
            Some(address) => Self::To(address.path),
            None if HEALTH.iter().chain(ADMIN).any(|address| address.path == pattern) => {
                Self::Admin
            }
            None => Self::Nowhere,
        }
    }
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    for address in ADDRESSES {
        config.service(resource(address));
    }
    configure_health(config);
}

pub(crate) fn configure_admin(config: &mut ServiceConfig) {
    for address in ADMIN {
        config.service(resource(address));
    }
    configure_health(config);
}

fn configure_health(config: &mut ServiceConfig) {
    for address in HEALTH {
        config.service(resource(address));
    }
    config.default_service(web::to(no_such_address));
}

/// An address that refuses every method but those routed, naming these.
fn resource(address: &Address) -> Resource {
    let methods = address.calls.iter().flat_map(|call| call.methods);
    let mut allow: Vec<&str> = methods.map(Method::as_str).collect();
    allow.sort_unstable();
    let allow = allow.join(", ");
    let refuse = move || {
        let refused = ApiError::method_not_allowed(allow.clone());
        async move { Err::<HttpResponse, _>(refused) }
    };
    let resource = web::resource(address.path).default_service(web::to(refuse));
    let calls = address.calls.iter().flat_map(|call| call.methods.iter().map(move |m| (m, call)));
    calls.fold(resource, |resource, (method, call)| {
        resource.route((call.handler)().method(method.clone()))
    })
}

pub(crate) async fn no_such_address() -> Result<HttpResponse, ApiError> {
    Err(ApiError::new(Code::NotFound, "There is nothing at this address."))
}
