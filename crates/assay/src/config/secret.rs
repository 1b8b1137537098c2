//! Addresses that hold a password.

use std::fmt;

use reqwest::Url;

/// An address whose password is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// Reads an address of one of these schemes.
    ///
    /// # Errors
    /// What is wrong with it, without any of its secrets.
    pub(super) fn parse(text: &str, schemes: &[&str]) -> Result<Self, String> {
        let expected = || format!("must be a URL that begins with {}://", schemes.join(":// or "));
        let url = Url::parse(text).map_err(|_| expected())?;
        if !schemes.contains(&url.scheme()) {
            return Err(expected());
        }
        Ok(Self(url))
    }

    /// The address with its password.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }
}

/// The address with `***` for its password.
impl fmt::Display for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        if url.password().is_some() && url.set_password(Some("***")).is_err() {
            return f.write_str("***");
        }
        // Passwords are accepted as parameters, too.
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        if pairs.iter().any(|(name, _)| name.contains("password")) {
            url.query_pairs_mut().clear().extend_pairs(pairs.iter().map(|(name, value)| {
                (name, if name.contains("password") { "***" } else { value.as_str() })
            }));
        }
        f.write_str(url.as_str())
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An address as it may be shown, whether or not it is one.
pub(super) fn without_password(text: &str) -> String {
    Url::parse(text).map_or_else(|_| "***".to_owned(), |url| SecretUrl(url).to_string())
}

#[cfg(test)]
mod tests {
    use super::SecretUrl;

    #[test]
    fn a_password_is_used_and_never_shown() {
        for (text, shown) in [
            ("postgres://a:s3cret@db/assay", "postgres://a:***@db/assay"),
            (
                "postgres://db/assay?user=a&password=s3cret",
                "postgres://db/assay?user=a&password=***",
            ),
            ("postgres://db/assay", "postgres://db/assay"),
        ] {
            let url = SecretUrl::parse(text, &["postgres"]).unwrap();
            assert_eq!(url.expose(), text);
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.to_owned(), shown.to_owned()));
        }
    }

    #[test]
    fn a_wrong_address_is_refused_without_being_repeated() {
        for text in ["s3cret", "http://a:s3cret@db", "postgres//a:s3cret@db"] {
            let refused = SecretUrl::parse(text, &["amqp", "amqps"]).unwrap_err();
            assert_eq!(refused, "must be a URL that begins with amqp:// or amqps://");
        }
    }
}
