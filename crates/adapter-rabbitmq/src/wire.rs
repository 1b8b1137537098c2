//! The messages on the broker: JSON with a version. A reader passes over fields that it does not
//! know, so that processes of two releases share a broker.

use contracts::{Hint, News, TraceContext};
use lapin::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};

/// The header that the trace of a message stands in, as in HTTP
/// (<https://w3c.github.io/trace-context-amqp/>).
const TRACEPARENT: &str = "traceparent";

/// The version that this release writes. A later one only adds fields.
const VERSION: u32 = 1;

/// A message of the work queue.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HintMessage {
    v: u32,
    #[serde(flatten)]
    pub(crate) hint: Hint,
}

impl HintMessage {
    pub(crate) const fn new(hint: Hint) -> Self {
        Self { v: VERSION, hint }
    }
}

/// A message of the fanout exchange: what was published while the last message was under way.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NewsMessage {
    v: u32,
    /// The publisher dropped news before these.
    #[serde(default)]
    pub(crate) lost: bool,
    pub(crate) news: Vec<News>,
}

impl NewsMessage {
    pub(crate) const fn new(lost: bool, news: Vec<News>) -> Self {
        Self { v: VERSION, lost, news }
    }
}

/// The headers of a message that is sent in this trace.
pub(crate) fn headers(trace: Option<TraceContext>) -> FieldTable {
    let mut headers = FieldTable::default();
    if let Some(trace) = trace {
        let trace = AMQPValue::LongString(trace.to_string().into());
        headers.insert(TRACEPARENT.into(), trace);
    }
    headers
}

/// The trace that a message was sent in. One that cannot be read is none.
pub(crate) fn trace(headers: Option<&FieldTable>) -> Option<TraceContext> {
    let header = headers?.inner().get(TRACEPARENT)?;
    std::str::from_utf8(header.as_long_string()?.as_bytes()).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use contracts::JobId;

    use super::*;

    #[test]
    fn a_message_says_its_version() {
        let hint = Hint::of(JobId::new());
        let json = serde_json::to_value(HintMessage::new(hint)).unwrap();
        assert_eq!(json, serde_json::json!({"v": 1, "job_id": hint.job_id}));
    }

    /// A message that came with a release is never edited: the broker holds some while it is
    /// replaced, by the next one or by the one before.
    #[test]
    fn messages_of_the_first_form_are_read_and_written_the_same() {
        let [hint, news] =
            [include_str!("../fixtures/v1/hint.json"), include_str!("../fixtures/v1/news.json")];
        let read: HintMessage = serde_json::from_str(hint).unwrap();
        assert_eq!(serde_json::to_string(&HintMessage::new(read.hint)).unwrap(), hint.trim_end());
        let read: NewsMessage = serde_json::from_str(news).unwrap();
        assert!(read.lost && read.news.iter().all(|news| !news.events.is_empty()));
        let written = serde_json::to_value(NewsMessage::new(read.lost, read.news)).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(news).unwrap());
    }

    #[test]
    fn a_trace_travels_beside_the_message() {
        let sent = TraceContext::begin(1.0);
        let hint = Hint::of(JobId::new());
        let message = |hint| serde_json::to_value(HintMessage::new(hint)).unwrap();
        assert_eq!(message(hint.in_trace(sent)), message(hint));
        assert_eq!(trace(Some(&headers(Some(sent)))), Some(sent));
        assert_eq!(trace(Some(&headers(None))), None);
        assert_eq!(trace(None), None);
        let mut broken = FieldTable::default();
        broken.insert(TRACEPARENT.into(), AMQPValue::LongString("00-none".into()));
        assert_eq!(trace(Some(&broken)), None);
        broken.insert(TRACEPARENT.into(), AMQPValue::LongUInt(7));
        assert_eq!(trace(Some(&broken)), None);
    }

    #[test]
    fn a_message_with_unknown_fields_is_read() {
        let hint = Hint::of(JobId::new());
        let json = serde_json::json!({"v": 2, "job_id": hint.job_id, "priority": {"of": [1]}});
        let read: HintMessage = serde_json::from_value(json).unwrap();
        assert_eq!(read.hint, hint);
        let json = serde_json::json!({"v": 2, "news": [], "compressed": false});
        let read: NewsMessage = serde_json::from_value(json).unwrap();
        assert_eq!((read.news, read.lost), (Vec::new(), false));
    }
}
