use serde_json::{Value, json};

use super::Message;

/// What a proxy lies about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::conformance) enum Lie {
    None,
    DropsAnEvent,
    RepeatsAnEvent,
    EndsAStreamEarly,
    LeavesOutAFrame,
    ForgetsTheCursor,
    RenumbersTheLog,
    ChangesAnEvent,
    CancelsInWordsAlone,
    InventsASource,
    CitesNobody,
    ForgetsAcceptedJobs,
    ForgetsKeys,
    AcceptsAnything,
    LosesTime,
    TagsAnotherVersion,
    WaitsForNobody,
    TurnsNoPage,
    TakesNothingOver,
    MissesItsCodes,
    InventsACode,
    ShowsItsInside,
    ErrsInHtml,
    IsNeverTracedBack,
}

impl Lie {
    pub(in crate::conformance) const ALL: [Self; 23] = [
        Self::DropsAnEvent,
        Self::RepeatsAnEvent,
        Self::EndsAStreamEarly,
        Self::LeavesOutAFrame,
        Self::ForgetsTheCursor,
        Self::RenumbersTheLog,
        Self::ChangesAnEvent,
        Self::CancelsInWordsAlone,
        Self::InventsASource,
        Self::CitesNobody,
        Self::ForgetsAcceptedJobs,
        Self::ForgetsKeys,
        Self::AcceptsAnything,
        Self::LosesTime,
        Self::TagsAnotherVersion,
        Self::WaitsForNobody,
        Self::TurnsNoPage,
        Self::TakesNothingOver,
        Self::MissesItsCodes,
        Self::InventsACode,
        Self::ShowsItsInside,
        Self::ErrsInHtml,
        Self::IsNeverTracedBack,
    ];

    /// The check that must find it.
    pub(in crate::conformance) const fn breaks(self) -> &'static str {
        match self {
            Self::None | Self::DropsAnEvent | Self::RepeatsAnEvent | Self::EndsAStreamEarly => {
                "streams/whole"
            }
            Self::LeavesOutAFrame => "streams/resume",
            Self::ForgetsTheCursor => "streams/last-event-id",
            Self::RenumbersTheLog => "log/numbered",
            Self::ChangesAnEvent => "streams/sse-form",
            Self::CancelsInWordsAlone => "cancel/races",
            Self::InventsASource | Self::CitesNobody => "log/sources",
            Self::ForgetsAcceptedJobs => "accept/durable",
            Self::ForgetsKeys => "idempotency/concurrent",
            Self::AcceptsAnything => "bodies/refused",
            Self::LosesTime => "log/job",
            Self::TagsAnotherVersion => "reading/etag",
            Self::WaitsForNobody => "reading/prefer-wait",
            Self::TurnsNoPage => "list/order",
            Self::TakesNothingOver => "retry/taken-over",
            Self::MissesItsCodes => "failures/exhausted",
            Self::InventsACode | Self::ShowsItsInside | Self::ErrsInHtml => "errors/problems",
            Self::IsNeverTracedBack => "errors/answers",
        }
    }

    /// What the kit is asked for, so that the check sees something.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most lies are found by one check")]
    pub(in crate::conformance) const fn asks(self) -> &'static str {
        match self {
            Self::InventsACode
            | Self::ShowsItsInside
            | Self::ErrsInHtml
            | Self::IsNeverTracedBack => "errors",
            _ => self.breaks(),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most lies are told in answers")]
    pub(super) fn in_request(self, request: &mut Message) {
        match self {
            Self::ForgetsTheCursor => drop(request.headers.remove("last-event-id")),
            Self::ForgetsKeys => drop(request.headers.remove("idempotency-key")),
            Self::WaitsForNobody => drop(request.headers.remove("prefer")),
            Self::TurnsNoPage => {
                if let Some((before, rest)) = request.line.split_once("&page_token=") {
                    let after = rest.find([' ', '&']).map_or("", |end| &rest[end..]);
                    request.line = format!("{before}{after}");
                }
            }
            _ => {}
        }
    }

    pub(super) fn leaves_out_frame(self, number: usize) -> bool {
        self == Self::LeavesOutAFrame && number == 2
    }

    pub(super) fn in_answer(self, asked: &str, answer: &mut Message) {
        if answer.is("text/event-stream") {
            self.in_stream(answer);
        } else if answer.is("application/problem+json") {
            self.in_problem(asked, answer);
        } else {
            self.in_body(asked, answer);
        }
        if self == Self::IsNeverTracedBack {
            answer.headers.remove("x-request-id");
        }
        match answer.headers.get_mut("etag") {
            Some(tag) if self == Self::TagsAnotherVersion => *tag = "W/\"0\"".to_owned(),
            Some(_) | None => {}
        }
    }

    /// The first message says how soon to come back, the second is `stream.ready`.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a lie is told where it fits")]
    fn in_stream(self, answer: &mut Message) {
        match self {
            Self::DropsAnEvent => answer.messages(|said| drop(said.remove(3))),
            Self::RepeatsAnEvent => answer.messages(|said| said.insert(3, said[3].clone())),
            Self::EndsAStreamEarly => answer.messages(|said| drop(said.pop())),
            Self::ChangesAnEvent => answer.messages(|said| {
                said[2] = said[2].replace("\"max_attempts\":5", "\"max_attempts\":6");
            }),
            _ => {}
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a lie is told where it fits")]
    fn in_problem(self, asked: &str, answer: &mut Message) {
        match self {
            Self::CancelsInWordsAlone if asked.contains("/cancel ") => {
                answer.line = "HTTP/1.1 200 OK".to_owned();
                answer.headers.insert("content-type".to_owned(), "application/json".to_owned());
                answer.value(|problem| {
                    let mut job = problem["job"].take();
                    job["state"] = json!("cancelled");
                    *problem = job;
                });
            }
            Self::AcceptsAnything => answer.line = "HTTP/1.1 200 OK".to_owned(),
            Self::InventsACode => answer.value(|problem| problem["code"] = json!("oops")),
            Self::ShowsItsInside => answer.value(|problem| {
                problem["detail"] = json!("thread 'main' panicked at src/main.rs:7:1");
            }),
            Self::ErrsInHtml => {
                answer.headers.insert("content-type".to_owned(), "text/html".to_owned());
            }
            _ => {}
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a lie is told where it fits")]
    fn in_body(self, asked: &str, answer: &mut Message) {
        let is_log = asked.contains("/events");
        match self {
            Self::RenumbersTheLog if is_log => answer.value(|page| {
                page["events"][2]["sequence"] = json!("0000000004");
            }),
            Self::TakesNothingOver if is_log => answer.value(|page| {
                for event in page["events"].as_array_mut().into_iter().flatten() {
                    event["data"].as_object_mut().unwrap().remove("taken_over_from");
                }
            }),
            Self::InventsASource => answer.of_result(|result| {
                let mut invented = result["sources"][0].clone();
                invented["id"] = json!("s2");
                result["sources"].as_array_mut().unwrap().push(invented);
            }),
            Self::CitesNobody => {
                answer.of_result(|result| result["citations"][0]["source_id"] = json!("s9"));
            }
            Self::ForgetsAcceptedJobs if asked.starts_with("GET /v1/analysis/") => {
                answer.line = "HTTP/1.1 404 Not Found".to_owned();
            }
            Self::LosesTime => answer.value(|job| {
                if let Some(queued) = job["timeline"]["queued_ms"].as_u64() {
                    job["timeline"]["queued_ms"] = json!(queued + 1);
                }
            }),
            Self::MissesItsCodes => answer.value(|job| {
                if job["error"]["code"] == "attempts_exhausted" {
                    job["error"]["code"] = json!("internal");
                }
            }),
            _ => {}
        }
    }
}

impl Message {
    fn is(&self, media_type: &str) -> bool {
        self.headers.get("content-type").is_some_and(|value| value.starts_with(media_type))
    }

    /// Changes a body that is JSON.
    fn value(&mut self, change: impl FnOnce(&mut Value)) {
        if let Ok(mut value) = serde_json::from_slice(&self.body) {
            change(&mut value);
            self.body = value.to_string().into_bytes();
        }
    }

    /// Changes the result of a job that has one.
    fn of_result(&mut self, change: impl FnOnce(&mut Value)) {
        self.value(|job| {
            if job["result"].is_object() {
                change(&mut job["result"]);
            }
        });
    }

    /// Changes the messages of a whole event stream.
    fn messages(&mut self, change: impl FnOnce(&mut Vec<String>)) {
        let text = String::from_utf8(std::mem::take(&mut self.body)).unwrap();
        let mut said: Vec<String> =
            text.split_terminator("\n\n").map(|said| format!("{said}\n\n")).collect();
        change(&mut said);
        self.body = said.concat().into_bytes();
    }
}
