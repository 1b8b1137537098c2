//! Whether there are traces and metrics, and where they are sent.

use reqwest::Url;
use telemetry::Protocol;

use super::server;

/// Names with values, in the order in which they were given.
type Pairs = Vec<(String, String)>;

/// Pairs at the most.
const PAIRS_MAX: usize = 64;

/// The address of a collector. A program that can send nothing takes any: it may be set for all
/// programs of a machine.
pub(super) fn endpoint(text: &str) -> Result<String, String> {
    if !cfg!(feature = "export") {
        return Ok(text.to_owned());
    }
    server::address(text).map(Url::into)
}

pub(super) fn protocol(text: &str) -> Result<Protocol, String> {
    match text {
        "grpc" => Ok(Protocol::Grpc),
        "http/protobuf" => Ok(Protocol::Http),
        other => Err(format!("must be grpc or http/protobuf, not {other:?}")),
    }
}

/// Whether something is so, in capitals or not, as OpenTelemetry reads it.
pub(super) fn truth(text: &str) -> Result<bool, String> {
    match text {
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(format!("must be true or false, not {other:?}")),
    }
}

pub(super) fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| format!("must be a number from 0 to 1, not {text:?}"))
}

/// Reads `name=value,name=value`, with values encoded as in URLs, as OpenTelemetry's variables are.
/// What is wrong is told without a value: it may be a key.
pub(super) fn pairs(text: &str) -> Result<Pairs, String> {
    let listed = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let pairs = listed.map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let name = name.trim();
        let is_named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        is_named.then(|| Some((name.to_owned(), decoded(value.trim())?)))?
    });
    let pairs: Option<Pairs> = pairs.collect();
    pairs
        .filter(|pairs| pairs.len() <= PAIRS_MAX)
        .ok_or_else(|| format!("must be at most {PAIRS_MAX} of name=value, with commas between"))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_as_opentelemetry_writes_them() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let read = pairs("a=b, authorization=Basic%20dTpw==,").unwrap();
        assert_eq!(read, [pair("a", "b"), pair("authorization", "Basic dTpw==")]);
        assert_eq!(pairs(""), Ok(Vec::new()));
        for wrong in ["s3cret", "=s3cret", "a b=s3cret", "k=s3cret%", "k=s3cret%zz", "k=s3cret%ff"]
        {
            let told = pairs(wrong).unwrap_err();
            assert!(!told.contains("s3cret"), "{told}");
        }
        assert!(pairs(&"a=b,".repeat(PAIRS_MAX + 1)).is_err());
    }

    #[test]
    fn a_ratio_is_a_part_of_all() {
        assert_eq!(ratio("0.1"), Ok(0.1));
        for wrong in ["-0.1", "1.1", "NaN", "inf", "all", ""] {
            assert!(ratio(wrong).is_err(), "{wrong}");
        }
    }
}
