//! How a client finds its server, and what it shows to it.

use std::fmt;

use reqwest::Url;

/// A value that is used and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A key as it travels in a header: visible ASCII.
    pub(super) fn api_key(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("must be visible ASCII characters, without spaces".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The value, for where it is needed.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a program without HTTPS says to an address that needs it.
pub(super) const NO_HTTPS: &str =
    "this program was built without HTTPS: build it with `--features https`";

/// The address of a server: http or https, and nothing that does not belong into logs.
pub(crate) fn address(text: &str) -> Result<Url, String> {
    const WANTED: &str = "must be an address such as https://assay.example.org";
    let url = Url::parse(text).map_err(|error| format!("{WANTED}: {error}"))?;
    if url.scheme() == "https" && !cfg!(feature = "https") {
        return Err(NO_HTTPS.to_owned());
    }
    let names_a_server = ["http", "https"].contains(&url.scheme()) && url.has_host();
    // A password in an address ends up in logs and process lists.
    let is_bare = url.username().is_empty() && url.password().is_none();
    if names_a_server && is_bare && url.query().is_none() && url.fragment().is_none() {
        Ok(url)
    } else {
        Err(format!("{WANTED}, without user, password, query or fragment"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_its_address_alone() {
        for good in ["http://localhost:8080", "http://assay.example.org", "http://[::1]:1/base/"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in ["localhost:8080", "ftp://a", "http://", "http://u:p@a", "http://a/?q", "a b"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_server_is_reached_over_https_where_the_program_can() {
        let https = address("https://assay.example.org");
        assert_eq!(https.is_ok(), cfg!(feature = "https"), "{https:?}");
    }

    #[test]
    fn a_key_is_used_and_never_shown() {
        let key = Secret::api_key("very-private").unwrap();
        assert_eq!(key.expose(), "very-private");
        assert!(!format!("{key:?}").contains("private"));
        let refused = Secret::api_key("very private").unwrap_err();
        assert!(!refused.contains("private"), "{refused}");
    }
}
