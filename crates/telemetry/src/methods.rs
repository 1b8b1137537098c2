//! The methods of HTTP, as traces and metrics name them.

/// Those of RFC 9110 and RFC 5789.
pub(crate) const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// What stands for every other.
pub(crate) const OTHER: &str = "_OTHER";

/// The method itself, of those that HTTP has.
pub(crate) fn known(method: &str) -> Option<&'static str> {
    METHODS.into_iter().find(|known| *known == method)
}
