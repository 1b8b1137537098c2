//! When a provider wants to be asked again.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// The longest wait that is believed: no job runs longer.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// Limits of which a provider tells how much is left and when it is whole again.
const LIMITS: [(&str, &str); 4] = [
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
];

/// What the headers of an answer ask for: `retry-after-ms`, else `Retry-After` in seconds or as a
/// date, else the latest reset of those limits of which nothing is left.
///
/// A date is compared with the answer's own `Date`, so that a wrong clock here changes nothing;
/// without one with `now`.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let now = text(DATE.as_str()).and_then(http_date).unwrap_or(now);
    let milliseconds = text("retry-after-ms").and_then(seconds).map(|wait| wait / 1_000);
    let asked = milliseconds.or_else(|| {
        let asked = text(RETRY_AFTER.as_str())?;
        seconds(asked).or_else(|| Some(until(http_date(asked)?, now)))
    });
    let asked = asked.or_else(|| {
        let spent = LIMITS.iter().filter(|(remaining, _)| text(remaining) == Some("0"));
        spent.filter_map(|(_, reset)| wait(text(reset)?, now)).max()
    });
    asked.map(|wait| wait.min(WAIT_MAX))
}

/// A number of seconds, which may have decimals.
fn seconds(text: &str) -> Option<Duration> {
    text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

/// RFC 9110, section 5.6.7; the obsolete forms are passed over.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// The time of a reset: "6m0s", "1.5s", "20ms", or when it is, as RFC 3339.
fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(until(at, now));
    }
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit = rest[number..].find(|c: char| c.is_ascii_digit());
        let (part, after) = unit.map_or((rest, ""), |unit| rest.split_at(number + unit));
        let value = seconds(&part[..number])?;
        let part = match &part[number..] {
            "ms" => value / 1_000,
            "s" => value,
            "m" => value.checked_mul(60)?,
            "h" => value.checked_mul(3_600)?,
            _ => return None,
        };
        sum = sum.checked_add(part)?;
        rest = after;
    }
    Some(sum)
}

/// From now to then; zero if that is past.
fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn a_provider_says_in_many_ways_when_to_come_back() {
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        for (headers, expected_ms) in [
            (&[("retry-after", "2")][..], Some(2_000)),
            (&[("retry-after", "0.5")], Some(500)),
            (&[("retry-after", "Sat, 28 Nov 2026 12:00:30 GMT")], Some(30_000)),
            // Its clock is an hour ahead of ours; what counts is the difference.
            (
                &[
                    ("retry-after", "Sat, 28 Nov 2026 13:00:30 GMT"),
                    ("date", "Sat, 28 Nov 2026 13:00:00 GMT"),
                ],
                Some(30_000),
            ),
            (&[("retry-after", "Sat, 28 Nov 2026 11:00:00 GMT")], Some(0)),
            (&[("retry-after-ms", "1500"), ("retry-after", "9")], Some(1_500)),
            (
                &[
                    ("x-ratelimit-remaining-requests", "0"),
                    ("x-ratelimit-reset-requests", "1m0.5s"),
                    ("x-ratelimit-remaining-tokens", "5"),
                    ("x-ratelimit-reset-tokens", "6h"),
                ],
                Some(60_500),
            ),
            (
                &[
                    ("anthropic-ratelimit-tokens-remaining", "0"),
                    ("anthropic-ratelimit-tokens-reset", "2026-11-28T12:00:07Z"),
                ],
                Some(7_000),
            ),
            (&[("retry-after", "1e300")], None),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "999999")], Some(3_600_000)),
            (&[("retry-after", "soon")], None),
            (&[], None),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            let expected = expected_ms.map(Duration::from_millis);
            assert_eq!(retry_after(&map, now), expected, "{headers:?}");
        }
    }
}
