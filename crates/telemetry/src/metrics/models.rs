//! Models of providers: calls, tokens, what they cost, and what of it was for nothing.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use contracts::Code;
use contracts::job::Usage;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram};

use super::instruments::{MODEL_S, Named, TOKENS, counter, counter_f64, gauge, histogram, key};
use super::observed::{Observation, Sources};

const MODEL: &str = "gen_ai.request.model";
const TOKEN_TYPE: &str = "gen_ai.token.type";

struct Metrics {
    duration: Histogram<f64>,
    tokens: Histogram<f64>,
    cost_usd: Counter<f64>,
    tokens_wasted: Counter<u64>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    duration: histogram(
        Named {
            name: "gen_ai.client.operation.duration",
            unit: "s",
            says: "One call of a provider's model.",
        },
        MODEL_S,
    ),
    tokens: histogram(
        Named {
            name: "gen_ai.client.token.usage",
            unit: "{token}",
            says: "Tokens of one request to a provider.",
        },
        TOKENS,
    ),
    cost_usd: counter_f64(Named {
        name: "assay.model.cost_usd",
        unit: "USD",
        says: "What tokens cost by the configured prices.",
    }),
    tokens_wasted: counter(Named {
        name: "assay.model.tokens_wasted",
        unit: "{token}",
        says: "Tokens spent since the last checkpoint by attempts that ended without a result.",
    }),
});

static CIRCUITS: Sources<(KeyValue, bool)> = Sources::none();

/// Who serves a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Whatever speaks the protocol of OpenAI.
    OpenAi,
    /// Anthropic.
    Anthropic,
}

impl Provider {
    /// The conventions' name for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
        }
    }
}

/// A model of a provider, as it is measured.
#[derive(Debug, Clone)]
pub struct Model {
    name: KeyValue,
    provider: KeyValue,
}

impl Model {
    /// The model with this name: the configuration's, never one that came with a request.
    #[must_use]
    pub fn new(configured_name: &str, provider: Provider) -> Self {
        let provider = key("gen_ai.provider.name", provider.as_str());
        let model = Self { name: name(configured_name), provider };
        METRICS.cost_usd.add(0.0, std::slice::from_ref(&model.name));
        model
    }

    /// A call of it ended after so long, with an answer or an error of this code.
    pub fn called(&self, result: Result<(), Code>, after: Duration) {
        let [operation, provider, name] = self.attributes();
        let after_s = after.as_secs_f64();
        match result {
            Ok(()) => METRICS.duration.record(after_s, &[operation, provider, name]),
            Err(code) => {
                let error = key("error.type", code.as_str());
                METRICS.duration.record(after_s, &[error, operation, provider, name]);
            }
        }
    }

    /// A request to it took these tokens, and cost so much.
    #[expect(clippy::cast_precision_loss, reason = "counts of tokens are far below 2^52")]
    pub fn used(&self, usage: &Usage) {
        let [operation, provider, name] = self.attributes();
        for (kind, tokens) in [("input", usage.input_tokens), ("output", usage.output_tokens)] {
            let attributes =
                [operation.clone(), provider.clone(), name.clone(), key(TOKEN_TYPE, kind)];
            METRICS.tokens.record(tokens as f64, &attributes);
        }
        METRICS.cost_usd.add(usage.cost_usd, &[name]);
    }

    fn attributes(&self) -> [KeyValue; 3] {
        [key("gen_ai.operation.name", "chat"), self.provider.clone(), self.name.clone()]
    }
}

/// An attempt ended without a result, and had spent this since its last checkpoint.
pub fn wasted(usage: &Usage) {
    METRICS.tokens_wasted.add(usage.input_tokens, &[key(TOKEN_TYPE, "input")]);
    METRICS.tokens_wasted.add(usage.output_tokens, &[key(TOKEN_TYPE, "output")]);
}

/// Shows whether calls of the model with this configured name are held back.
pub fn observe_circuit(
    configured_name: &str,
    is_open: impl Fn() -> bool + Send + Sync + 'static,
) -> Observation {
    let name = name(configured_name);
    CIRCUITS.add(move || (name.clone(), is_open()))
}

fn name(configured: &str) -> KeyValue {
    KeyValue::new(MODEL, Arc::<str>::from(configured))
}

pub(super) fn register() {
    wasted(&Usage::default());
    let circuit = Named {
        name: "assay.model.circuit_open",
        unit: "{circuit}",
        says: "1 while calls of the model are held back because it is out.",
    };
    gauge(circuit, |gauge| {
        for (name, is_open) in CIRCUITS.read() {
            gauge.is(if is_open { 1.0 } else { 0.0 }, &[name]);
        }
    });
}
