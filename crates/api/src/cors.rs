//! Which web origins may use the gateway: one rule for CORS and WebSockets.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};

use crate::headers;

const ALLOWED_METHODS: &str = "GET, HEAD, POST, DELETE";
const ALLOWED_HEADERS: &str = "Accept, Authorization, Content-Type, Idempotency-Key, \
     If-None-Match, Last-Event-ID, Prefer, Traceparent, X-Request-Id";
const EXPOSED_HEADERS: &str = "ETag, Idempotency-Replayed, Location, Preference-Applied, \
     Retry-After, X-Request-Id";
/// Seconds that a browser may remember the answer to a preflight.
const PREFLIGHT_MAX_AGE_S: u64 = 600;

/// The origins that may use the gateway beside its own.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    allowed: Vec<String>,
}

/// Where a request comes from, as far as a browser tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// No browser, or a page of this server.
    Own,
    /// A page of an origin on the list.
    Listed,
    /// A page of any other origin.
    Foreign,
}

impl Origins {
    /// Only pages of the same origin.
    #[must_use]
    pub fn same() -> Self {
        Self::default()
    }

    /// Pages of the same origin and of these, each written as a browser sends it:
    /// `https://app.example.com` or `http://localhost:3000`.
    #[must_use]
    pub fn and(allowed: impl IntoIterator<Item = String>) -> Self {
        let plain = |origin: String| origin.trim_end_matches('/').to_ascii_lowercase();
        Self { allowed: allowed.into_iter().map(plain).collect() }
    }

    /// Where a request with these headers comes from.
    pub(crate) fn standing(&self, headers: &HeaderMap) -> Standing {
        let Some(origin) = headers.get(header::ORIGIN) else { return Standing::Own };
        let origin = origin.to_str().unwrap_or("null").to_ascii_lowercase();
        let host = headers::text(headers, &header::HOST).unwrap_or_default();
        if is_same(&origin, &host.to_ascii_lowercase()) {
            Standing::Own
        } else if self.allowed.contains(&origin) {
            Standing::Listed
        } else {
            Standing::Foreign
        }
    }
}

/// Compares the host and port of an origin with a `Host` header. The scheme is not compared: a
/// proxy that ends TLS speaks plain HTTP to us.
fn is_same(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let plain =
        |authority: &str| authority.strip_suffix(default_port).unwrap_or(authority).to_owned();
    !authority.is_empty() && plain(authority) == plain(host)
}

/// Whether this is a browser asking what it may send.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight; without the headers that [`mark`] adds it forbids everything.
pub(crate) fn preflight() -> HttpResponse {
    HttpResponse::build(StatusCode::NO_CONTENT)
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE_S))
        .finish()
}

/// Tells the browser that a page of this origin may read the response.
pub(crate) fn mark(response: &mut HeaderMap, origin: Option<HeaderValue>, standing: Standing) {
    response.append(header::VARY, HeaderValue::from_static("Origin"));
    let mut insert = |name: HeaderName, value: HeaderValue| drop(response.insert(name, value));
    match (standing, origin) {
        (Standing::Listed, Some(origin)) => {
            insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            let exposed = HeaderValue::from_static(EXPOSED_HEADERS);
            insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        (Standing::Listed | Standing::Own | Standing::Foreign, _) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(origins: &Origins, origin: &str, host: &str) -> Standing {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        origins.standing(&headers)
    }

    #[test]
    fn by_default_only_the_same_host_and_port_may() {
        let origins = Origins::same();
        assert_eq!(origins.standing(&HeaderMap::new()), Standing::Own);
        for (origin, host) in [
            ("http://localhost:8080", "localhost:8080"),
            ("https://a.example", "a.example"),
            ("https://A.example", "a.example:443"),
            ("http://a.example:80", "a.example"),
        ] {
            assert_eq!(standing(&origins, origin, host), Standing::Own, "{origin} {host}");
        }
        for (origin, host) in [
            ("http://localhost:3000", "localhost:8080"),
            ("http://evil.example", "a.example"),
            ("null", "a.example"),
            ("file://", ""),
            ("http://", ""),
        ] {
            assert_eq!(standing(&origins, origin, host), Standing::Foreign, "{origin} {host}");
        }
    }

    #[test]
    fn the_list_adds_origins() {
        let origins = Origins::and(["https://App.example/".to_owned()]);
        assert_eq!(standing(&origins, "https://app.example", "api.example"), Standing::Listed);
        assert_eq!(standing(&origins, "http://app.example", "api.example"), Standing::Foreign);
    }
}
