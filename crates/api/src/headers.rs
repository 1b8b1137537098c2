//! Reading request headers: pure functions from text to meaning.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName};
use contracts::{TraceContext, limits};

use crate::problem::ApiError;

/// Seconds that a client may have its answer held back.
pub(crate) const WAIT_S: std::ops::RangeInclusive<u64> = 1..=60;

pub(crate) static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) static IDEMPOTENCY_REPLAYED: HeaderName =
    HeaderName::from_static("idempotency-replayed");
pub(crate) static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
pub(crate) static PREFER: HeaderName = HeaderName::from_static("prefer");
pub(crate) static PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A header's value, if it is there and plain text. Of repeated ones, the first.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// Whether every character is visible ASCII, and there are this many of them.
pub(crate) fn is_visible_ascii(text: &str, chars: std::ops::RangeInclusive<usize>) -> bool {
    chars.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The `Idempotency-Key`.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut given = headers.get_all(&IDEMPOTENCY_KEY);
    let Some(first) = given.next() else { return Ok(None) };
    let key = first.to_str().unwrap_or_default();
    if given.next().is_some() || !is_visible_ascii(key, limits::IDEMPOTENCY_KEY_CHARS) {
        let detail = "Idempotency-Key must be given once, with 1 to 255 visible ASCII characters.";
        return Err(ApiError::invalid(detail));
    }
    Ok(Some(key.to_owned()))
}

/// The caller's trace. A broken `traceparent` starts a new trace, as the recommendation asks
/// (<https://www.w3.org/TR/trace-context/#a-traceparent-is-received>).
pub(crate) fn trace(headers: &HeaderMap) -> Option<TraceContext> {
    text(headers, &TRACEPARENT)?.parse().ok()
}

/// `wait` of the `Prefer` header (RFC 7240), clamped. Other and malformed preferences are ignored,
/// as that RFC asks.
pub(crate) fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let given = headers.get_all(&PREFER).filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let is_wait = name.trim().eq_ignore_ascii_case("wait");
        let seconds: u64 = value.trim().trim_matches('"').parse().ok().filter(|_| is_wait)?;
        Some(Duration::from_secs(seconds.clamp(*WAIT_S.start(), *WAIT_S.end())))
    })
}

/// Whether an `If-None-Match` names this entity tag, by weak comparison (RFC 9110, 8.8.3.2).
pub(crate) fn none_match(if_none_match: &str, etag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if_none_match.trim() == "*" || if_none_match.split(',').any(|tag| opaque(tag) == opaque(etag))
}

/// Whether the client would rather have an event stream than JSON.
pub(crate) fn wants_event_stream(accept: &str) -> bool {
    let (mut stream, mut json) = (0.0_f32, 0.0_f32);
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
        match name.as_str() {
            "text/event-stream" => stream = quality,
            "application/json" => json = quality,
            _ => {}
        }
    }
    stream > 0.0 && stream >= json
}

/// Whether a `Content-Type` is JSON: `application/json` or one with the suffix `+json`.
pub(crate) fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    let name = parts.next().unwrap_or_default();
    let utf8 = parts.all(|part| match part.split_once('=') {
        Some(("charset", charset)) => charset.trim_matches('"') == "utf-8",
        Some(_) | None => true,
    });
    utf8 && (name == "application/json" || name.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn with(name: &HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_preferred_wait_is_found_and_clamped() {
        for (given, seconds) in [
            ("wait=10", Some(10)),
            ("respond-async, Wait = 5", Some(5)),
            ("wait=\"7\"; foo=1", Some(7)),
            ("wait=0", Some(1)),
            ("wait=9999", Some(60)),
            ("wait=-1", None),
            ("wait", None),
            ("respond-async", None),
        ] {
            let wait = preferred_wait(&with(&PREFER, &[given])).map(|wait| wait.as_secs());
            assert_eq!(wait, seconds, "{given}");
        }
        assert_eq!(preferred_wait(&with(&PREFER, &["x", "wait=3"])).unwrap().as_secs(), 3);
    }

    #[test]
    fn entity_tags_are_compared_weakly() {
        let tag = "W/\"12\"";
        for given in ["W/\"12\"", "\"12\"", "\"1\", W/\"12\"", "*", " W/\"12\" "] {
            assert!(none_match(given, tag), "{given}");
        }
        for given in ["", "W/\"1\"", "12", "\"2\""] {
            assert!(!none_match(given, tag), "{given}");
        }
    }

    #[test]
    fn a_stream_is_sent_only_to_who_asks_for_one() {
        for accept in ["text/event-stream", "text/event-stream, */*;q=0.1", "Text/Event-Stream"] {
            assert!(wants_event_stream(accept), "{accept}");
        }
        for accept in ["", "*/*", "application/json", "text/*", "text/event-stream;q=0"] {
            assert!(!wants_event_stream(accept), "{accept}");
        }
        assert!(!wants_event_stream("text/event-stream;q=0.5, application/json"));
    }

    #[test]
    fn json_is_known_by_its_media_type() {
        for good in ["application/json", "application/json; charset=UTF-8", "application/ld+json"] {
            assert!(is_json(good), "{good}");
        }
        for bad in ["", "text/plain", "application/jsonp", "application/json; charset=latin1"] {
            assert!(!is_json(bad), "{bad}");
        }
    }

    #[test]
    fn an_idempotency_key_is_given_once_and_visible() {
        let longest = "k".repeat(255);
        for good in ["a", longest.as_str(), "!~"] {
            let key = idempotency_key(&with(&IDEMPOTENCY_KEY, &[good])).unwrap();
            assert_eq!(key.as_deref(), Some(good));
        }
        let too_long = "k".repeat(256);
        for bad in [&[""][..], &["a b"], &[too_long.as_str()], &["a", "a"]] {
            assert!(idempotency_key(&with(&IDEMPOTENCY_KEY, bad)).is_err(), "{bad:?}");
        }
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
    }
}
