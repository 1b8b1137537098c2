//! What the commands make of servers that restart, break off, lie or are not there.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use contracts::Event;
use serde_json::Value;
use testkit::loopback;

use super::{NOBODY, Place, Said, lines};
use crate::fake_server::{FakeServer, event_stream, header, http};
use crate::process::Server;

/// Watches a job while its server is killed and comes back at `listen`.
async fn check_restart(place: &Place, first: Server, listen: &str) {
    let id = place.submit("script: delay_ms=1500");
    let mut watching =
        place.command(&["watch", &id, "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(watching.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("step.started") {
        assert!(out.read_line(&mut text).unwrap() > 0, "{text}");
    }
    first.kill_9();
    let second = place.start_server_at(listen);
    out.read_to_string(&mut text).unwrap();
    assert_eq!(watching.wait().unwrap().code(), Some(0), "{text}");
    let log = second.events(&place.job(&id)).await.events;
    assert!(log.iter().any(|event| event.kind == "job.requeued"));
    assert_eq!(lines::<Event>(&text), log, "the transcript is the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transcript_is_the_log_though_the_server_was_killed_meanwhile() {
    let mut place = Place::new();
    let [address] = loopback::addresses();
    let listen = address.to_string();
    let server = place.start_server_at(&listen);
    place.server = Some(server.base().to_owned());
    check_restart(&place, server, &listen).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_server_may_come_back_on_another_port() {
    let place = Place::new();
    let server = place.start_server();
    check_restart(&place, server, "127.0.0.1:0").await;
}

#[test]
fn a_stream_that_repeats_or_leaves_out_is_set_right() {
    let mut place = Place::new();
    let job = place.ended(&place.submit("q"));
    let text = place.run(&["watch", "--json", &job.id.to_string()]).out;
    let log: Vec<&str> = text.lines().collect();
    let say = |versions: &[usize]| {
        let message = |version: &usize| format!("id: {version}\ndata: {}\n\n", log[version - 1]);
        event_stream(&versions.iter().map(message).collect::<String>())
    };
    let rest: Vec<usize> = (3..=log.len()).collect();
    let refused = http("503 Service Unavailable", "", "");
    let fake = FakeServer::answering(vec![
        say(&[1, 2, 1, 2, 4]),
        refused,
        format!("{}: an unfinished message", say(&[2])),
        say(&rest),
    ]);
    place.server = Some(fake.base().to_owned());
    let watched = place.run(&["watch", "--json", &job.id.to_string()]);
    assert_eq!((watched.out, watched.code), (text.clone(), Some(0)), "{}", watched.err);
    let cursors: Vec<String> = (0..4)
        .map(|_| header(&fake.request(), "last-event-id").unwrap_or_default().to_owned())
        .collect();
    assert_eq!(cursors, ["0", "2", "2", "2"]);
    assert_eq!(watched.err.matches("trying again").count(), 1, "{}", watched.err);
}

#[test]
fn an_event_of_a_later_release_is_shown_as_it_is() {
    let mut place = Place::new();
    let job = place.ended(&place.submit("q"));
    let text = place.run(&["watch", "--json", &job.id.to_string()]).out;
    let mut events: Vec<Value> = lines(&text);
    events[1]["type"] = "job.dreamt".into();
    events[1]["data"] = serde_json::json!({"of": ["sheep"]});
    let message = |event: &Value| {
        let version: u64 = event["sequence"].as_str().unwrap().parse().unwrap();
        format!("id: {version}\ndata: {event}\n\n")
    };
    let said: String = events.iter().map(message).collect();
    let later = "data: {\"type\": \"stream.sings\"}\n\n";
    let fake = FakeServer::answering(vec![event_stream(&format!("{later}{said}")); 2]);
    place.server = Some(fake.base().to_owned());
    let watched = place.run(&["watch", "--json", &job.id.to_string()]);
    assert_eq!(lines::<Value>(&watched.out), events, "{}", watched.err);
    let shown = place.run(&["watch", &job.id.to_string()]);
    assert!(shown.out.contains("job.dreamt"), "{}", shown.out);
}

#[test]
fn a_submission_whose_answer_was_lost_is_sent_again_under_its_key() {
    let mut place = Place::new();
    let job = place.ended(&place.submit("q"));
    let accepted = serde_json::to_string(&job).unwrap();
    let accepted = http("202 Accepted", "content-type: application/json\r\n", &accepted);
    let fake = FakeServer::answering(vec![String::new(), accepted]);
    place.server = Some(fake.base().to_owned());
    assert_eq!(place.submit("q"), job.id.to_string());
    let (first, second) = (fake.request(), fake.request());
    assert!(header(&first, "idempotency-key").is_some_and(|key| key.len() == 36), "{first}");
    assert_eq!(first, second);

    let fake = FakeServer::answering(vec![String::new()]);
    place.server = Some(fake.base().to_owned());
    let lost = place.run(&["submit", "--company", "3M", "q"]);
    assert_eq!((lost.out.as_str(), lost.code), ("", Some(1)));
    let key = header(&fake.request(), "idempotency-key").unwrap().to_owned();
    assert!(lost.err.contains(&format!("--idempotency-key {key}")), "{}", lost.err);
}

#[test]
fn a_key_is_shown_to_its_server_alone() {
    let mut place = Place::new();
    let other = FakeServer::answering(vec![http("200 OK", "", "")]);
    let location = format!("location: {}/v1/analysis/{NOBODY}\r\n", other.base());
    let fake = FakeServer::answering(vec![http("307 Temporary Redirect", &location, "")]);
    place.server = Some(fake.base().to_owned());
    let output = place.command(&["get", NOBODY]).env("ASSAY_API_KEY", "very-private").output();
    let said = Said::of(&output.unwrap());
    assert_eq!(header(&fake.request(), "authorization"), Some("bearer very-private"));
    assert!(other.is_left_alone());
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("redirects to") && !said.err.contains("private"), "{}", said.err);
    let config = place.command(&["config"]).env("ASSAY_API_KEY", "very-private").output().unwrap();
    assert!(!Said::of(&config).out.contains("private"));
}

#[test]
fn a_server_that_cannot_be_reached_says_what_to_do() {
    let place = Place::new();
    let said = place.run(&["list", "--server", "http://127.0.0.1:1"]);
    assert_eq!((said.out.as_str(), said.code), ("", Some(1)));
    for part in ["http://127.0.0.1:1/ cannot be reached", "refused", "ASSAY_SERVER", "assay dev"] {
        assert!(said.err.contains(part), "{part}: {}", said.err);
    }
    let page = http("200 OK", "content-type: text/html\r\n", "<html>");
    let fake = FakeServer::answering(vec![page]);
    let said = place.run(&["list", "--server", fake.base()]);
    assert!(said.err.contains("does not answer as Assay would"), "{}", said.err);
}
