use std::fmt;
use std::time::Duration;

use reqwest::Url;

/// Output tokens at the most, whatever is configured.
const OUTPUT_TOKENS_MAX: u32 = 1_000_000;
/// The longest of the time-outs: no step runs longer.
const TIMEOUT_MAX: Duration = Duration::from_secs(300);

/// One model of one provider: where it is, and what may be expected of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderSettings {
    /// The name that requests choose it by, and results show.
    pub name: String,
    /// The address that the protocol's paths are appended to, such as
    /// `http://localhost:11434/v1`.
    pub base_url: String,
    /// The provider's name for the model.
    pub model: String,
    /// What the provider knows us by. A server on this machine often wants none.
    pub api_key: Option<ApiKey>,
    /// From the first packet to a connection, its TLS included.
    pub connect_timeout: Duration,
    /// From the request to the first token, which has the prompt read.
    pub first_token_timeout: Duration,
    /// From one token to the next.
    pub idle_timeout: Duration,
    /// Tokens of an answer at the most; what the model thinks counts, where it does.
    pub max_output_tokens: u32,
    /// 0 for the likeliest words; the provider's own value if `None`, since some models take no
    /// other.
    pub temperature: Option<f32>,
    /// What its tokens cost.
    pub prices: Prices,
}

/// What tokens cost, in US dollars per million. 0 for a model of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Prices {
    /// Of those that are sent.
    pub input_usd: f64,
    /// Of those that the model writes.
    pub output_usd: f64,
}

/// What a provider knows us by. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// Why a model cannot be used as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFault {
    /// The address is none.
    #[error(
        "base_url must be an address such as http://localhost:11434/v1, without credentials, query and fragment"
    )]
    BaseUrl,
    /// The address needs TLS, and this build has none.
    #[error(
        "base_url is https, and this program was built without it: build it with `--features https`"
    )]
    NoHttps,
    /// There is no name.
    #[error("{0} must have 1 to 200 characters")]
    Name(&'static str),
    /// The key cannot travel in a header.
    #[error("the API key must be visible ASCII characters, without spaces")]
    ApiKey,
    /// A time is out of its bounds.
    #[error("{0} must be more than 0 s and at most {max} s", max = TIMEOUT_MAX.as_secs())]
    Timeout(&'static str),
    /// The limit of an answer is out of its bounds.
    #[error("max_output_tokens must be 1 to {OUTPUT_TOKENS_MAX}")]
    OutputTokens,
    /// No temperature.
    #[error("temperature must be 0 to 2")]
    Temperature,
    /// No price.
    #[error("prices must be 0 or more")]
    Prices,
    /// The HTTP client cannot be made.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
}

impl ProviderSettings {
    /// A model with this name, at this address, under the provider's name for it; everything else
    /// as it usually fits.
    #[must_use]
    pub fn new(name: &str, base_url: &str, model: &str) -> Self {
        Self {
            name: name.to_owned(),
            base_url: base_url.to_owned(),
            model: model.to_owned(),
            api_key: None,
            connect_timeout: Duration::from_secs(5),
            first_token_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(20),
            max_output_tokens: 4_096,
            temperature: None,
            prices: Prices::default(),
        }
    }

    /// Everything that is wrong with them.
    #[must_use]
    pub fn faults(&self) -> Vec<SettingsFault> {
        let is_name = |text: &str| (1..=200).contains(&text.trim().chars().count());
        let is_time = |time: Duration| !time.is_zero() && time <= TIMEOUT_MAX;
        let is_price = |usd: f64| usd.is_finite() && usd >= 0.0;
        let Prices { input_usd, output_usd } = self.prices;
        let checks = [
            (is_name(&self.name), SettingsFault::Name("name")),
            (is_name(&self.model), SettingsFault::Name("model")),
            (is_time(self.connect_timeout), SettingsFault::Timeout("connect_timeout")),
            (is_time(self.first_token_timeout), SettingsFault::Timeout("first_token_timeout")),
            (is_time(self.idle_timeout), SettingsFault::Timeout("idle_timeout")),
            (
                (1..=OUTPUT_TOKENS_MAX).contains(&self.max_output_tokens),
                SettingsFault::OutputTokens,
            ),
            (
                self.temperature.is_none_or(|value| (0.0..=2.0).contains(&value)),
                SettingsFault::Temperature,
            ),
            (is_price(input_usd) && is_price(output_usd), SettingsFault::Prices),
        ];
        let url = self.url().err();
        url.into_iter()
            .chain(checks.into_iter().filter(|(holds, _)| !holds).map(|(_, f)| f))
            .collect()
    }

    /// The address, with a slash at its end, so that paths can be joined to it.
    pub(super) fn url(&self) -> Result<Url, SettingsFault> {
        let mut url = Url::parse(&self.base_url).map_err(|_| SettingsFault::BaseUrl)?;
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        match url.scheme() {
            "http" => {}
            "https" if cfg!(feature = "https") => {}
            "https" => return Err(SettingsFault::NoHttps),
            _ => return Err(SettingsFault::BaseUrl),
        }
        if !is_bare || !url.has_host() {
            return Err(SettingsFault::BaseUrl);
        }
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(url)
    }
}

impl ApiKey {
    /// A key as it travels in a header. White space around it is dropped.
    ///
    /// # Errors
    /// [`SettingsFault::ApiKey`].
    pub fn new(text: &str) -> Result<Self, SettingsFault> {
        let text = text.trim();
        let is_visible = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_visible.then(|| Self(text.to_owned())).ok_or(SettingsFault::ApiKey)
    }

    /// The key, for where it is needed.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_tell_all_that_is_wrong_with_them_and_never_the_key() {
        let mut settings = ProviderSettings::new("local", "http://localhost:11434/v1", "llama");
        assert_eq!(settings.faults(), []);
        settings.api_key = Some(ApiKey::new(" very-private\n").unwrap());
        assert!(!format!("{settings:?}").contains("private"));
        assert_eq!(ApiKey::new("very private"), Err(SettingsFault::ApiKey));
        settings.model.clear();
        settings.idle_timeout = Duration::ZERO;
        settings.temperature = Some(f32::NAN);
        settings.prices.input_usd = -1.0;
        settings.base_url = "localhost:11434".to_owned();
        assert_eq!(
            settings.faults(),
            [
                SettingsFault::BaseUrl,
                SettingsFault::Name("model"),
                SettingsFault::Timeout("idle_timeout"),
                SettingsFault::Temperature,
                SettingsFault::Prices,
            ]
        );
    }

    #[test]
    fn an_address_holds_nothing_that_does_not_belong_into_logs() {
        for (base_url, fault) in [
            ("http://me:secret@localhost/v1", SettingsFault::BaseUrl),
            ("http://localhost/v1?key=secret", SettingsFault::BaseUrl),
            ("ftp://localhost/v1", SettingsFault::BaseUrl),
            ("", SettingsFault::BaseUrl),
        ] {
            let settings = ProviderSettings::new("local", base_url, "llama");
            assert_eq!(settings.faults(), [fault], "{base_url}");
        }
        let secure = ProviderSettings::new("cloud", "https://api.openai.com/v1", "gpt");
        let expected = if cfg!(feature = "https") { vec![] } else { vec![SettingsFault::NoHttps] };
        assert_eq!(secure.faults(), expected);
    }
}
