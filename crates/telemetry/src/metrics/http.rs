//! Requests to the gateway.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;

use super::instruments::{Named, OTHER, REQUEST_S, gauge, histogram, key, many};
use crate::methods::METHODS;

const METHOD: &str = "http.request.method";
const SCHEME: &str = "url.scheme";

static DURATION: LazyLock<Histogram<f64>> = LazyLock::new(|| {
    let named = Named {
        name: "http.server.request.duration",
        unit: "s",
        says: "From the head of a request to the head of its answer.",
    };
    histogram(named, REQUEST_S)
});

/// Active requests of each method, and of all that HTTP does not have.
static ACTIVE: [AtomicUsize; METHODS.len() + 1] =
    [const { AtomicUsize::new(0) }; METHODS.len() + 1];

/// A request whose answer has not begun. Dropped, it is active no more.
#[derive(Debug)]
#[must_use = "it is active only while this is held"]
pub struct Request {
    method: usize,
    began: Instant,
}

impl Request {
    /// A request with this method begins. A method that HTTP does not have is one of the others.
    pub fn begin(method: &str) -> Self {
        let method = METHODS.iter().position(|known| *known == method);
        let method = method.unwrap_or(METHODS.len());
        ACTIVE[method].fetch_add(1, Ordering::Relaxed);
        Self { method, began: Instant::now() }
    }

    /// Its answer begins. `route` is the pattern of its path, never the path; `None` if there is
    /// nothing at its address.
    pub fn answered(self, route: Option<&'static str>, status: u16) {
        let attributes = [
            key(METHOD, METHODS.get(self.method).unwrap_or(&OTHER)),
            KeyValue::new("http.response.status_code", i64::from(status)),
            key("http.route", route.unwrap_or(OTHER)),
            key(SCHEME, "http"),
        ];
        DURATION.record(self.began.elapsed().as_secs_f64(), &attributes);
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        ACTIVE[self.method].fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) fn register() {
    LazyLock::force(&DURATION);
    let active = Named {
        name: "http.server.active_requests",
        unit: "{request}",
        says: "Requests whose answer has not begun.",
    };
    gauge(active, |gauge| {
        for (method, active) in METHODS.iter().chain([&OTHER]).zip(&ACTIVE) {
            let active = many(active.load(Ordering::Relaxed));
            gauge.is(active, &[key(METHOD, method), key(SCHEME, "http")]);
        }
    });
}
