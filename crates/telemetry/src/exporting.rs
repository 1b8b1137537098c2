//! Where telemetry is sent.

use std::fmt;

/// What a server says of itself to those who look after it.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// Which process of the fleet this is, in the words of the conventions on resources.
    pub resource: Vec<(String, String)>,
    /// Where traces and metrics are sent; nowhere if `None`. Metrics are shown all the same.
    pub exporting: Option<Exporting>,
}

/// Where telemetry is sent, and how much of it.
#[derive(Clone, PartialEq)]
pub struct Exporting {
    /// The collector: `http://HOST:4318` for HTTP, `http://HOST:4317` for gRPC.
    pub endpoint: String,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// What is sent along with every message, such as a key. Never shown.
    pub headers: Vec<(String, String)>,
    /// How many of the traces that begin here are sent: 0.0 to 1.0. Where a caller has decided for
    /// its trace, that counts.
    pub trace_ratio: f64,
}

/// How a collector is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP over gRPC.
    Grpc,
    /// OTLP over HTTP, as Protocol Buffers.
    Http,
}

impl fmt::Debug for Exporting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Exporting")
            .field("endpoint", &self.endpoint)
            .field("protocol", &self.protocol)
            .field("headers", &names)
            .field("trace_ratio", &self.trace_ratio)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_along_is_not_shown() {
        let exporting = Exporting {
            endpoint: "http://localhost:4318".to_owned(),
            protocol: Protocol::Http,
            headers: vec![("authorization".to_owned(), "s3cret".to_owned())],
            trace_ratio: 0.1,
        };
        let shown = format!("{exporting:?}");
        assert!(shown.contains("authorization") && !shown.contains("s3cret"), "{shown}");
    }
}
