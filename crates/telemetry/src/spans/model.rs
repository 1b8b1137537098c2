use contracts::job::Usage;
use tracing::Span;
use tracing::field::Empty;

use super::{TARGET, is_untraced};

/// A call of a model of a provider.
#[derive(Debug, Clone, Copy)]
pub struct Chat<'a> {
    /// Whose protocol is spoken: `openai`, `anthropic`.
    pub provider: &'a str,
    /// What the provider calls the model.
    pub model: &'a str,
    /// Where the provider is.
    pub server: &'a str,
    /// On which port.
    pub port: u16,
    /// Tokens that the answer may have.
    pub max_tokens: u32,
}

/// A call of a model, to the end of its answer.
#[must_use]
pub fn chat(chat: &Chat<'_>) -> Span {
    if is_untraced() {
        return Span::none();
    }
    let Chat { provider, model, server, port, max_tokens } = *chat;
    tracing::info_span!(
        target: TARGET,
        "chat",
        otel.kind = "client",
        otel.name = format_args!("chat {model}"),
        otel.status_code = Empty,
        error.type = Empty,
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = provider,
        gen_ai.request.model = model,
        gen_ai.request.max_tokens = max_tokens,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        server.address = server,
        server.port = port,
    )
}

/// Says what a call of a model used.
pub fn spent(span: &Span, usage: Usage) {
    span.record("gen_ai.usage.input_tokens", usage.input_tokens);
    span.record("gen_ai.usage.output_tokens", usage.output_tokens);
}

/// A search in the documents.
#[must_use]
pub fn retrieval() -> Span {
    if is_untraced() {
        return Span::none();
    }
    tracing::info_span!(
        target: TARGET,
        "retrieval",
        otel.status_code = Empty,
        error.type = Empty,
        gen_ai.operation.name = "retrieval",
    )
}
