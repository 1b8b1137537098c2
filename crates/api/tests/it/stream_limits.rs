//! Peers that are slow, silent or too loud.

use std::time::Duration;

use api::Settings;
use contracts::limits;
use futures_util::future::join_all;

use crate::server::{Server, delta};
use crate::sse;
use crate::websocket::{self, Said};

#[tokio::test]
async fn a_quiet_socket_is_pinged_and_lives_while_it_answers() {
    let server = Server::with(impatient()).await;
    let id = server.submit().await;
    let mut socket = websocket::open(&server, &format!("/v1/analysis/{id}?after=1")).await;
    assert_eq!(websocket::next_json(&mut socket).await["type"], "stream.ready");
    // The client answers pings while it reads. So many take several times the allowed silence.
    for _ in 0..60 {
        assert_eq!(websocket::next(&mut socket).await, Said::Ping);
    }
    server.store.start(id);
    assert_eq!(websocket::next_json(&mut socket).await["type"], "job.started");
}

#[tokio::test]
async fn a_silent_peer_is_gone() {
    let server = Server::with(impatient()).await;
    let (id, other) = (server.submit().await, server.submit().await);
    // A client that does not read answers no ping.
    let _silent = websocket::open(&server, &format!("/v1/analysis/{id}")).await;
    let _kept = sse::open(&server, other, None, "").await;
    server.store.until_only_followed(other, id).await;
}

fn impatient() -> Settings {
    let mut settings = Settings::default();
    settings.times.ping_interval = Duration::from_millis(50);
    settings.times.silence = Duration::from_millis(1_000);
    settings
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_and_told() {
    let mut settings = Settings::default();
    settings.times.stall = Duration::from_millis(300);
    let server = Server::with(settings).await;
    let id = server.submit().await;
    server.store.start(id);
    // More than the kernel holds for a connection on both sides.
    let big = "x".repeat(limits::EVENT_BYTES_MAX - 1_000);
    for _ in 0..1_500 {
        server.store.change(id, delta(&big));
    }
    let mut socket = websocket::open(&server, &format!("/v1/analysis/{id}")).await;
    let other = server.submit().await;
    let _kept = sse::open(&server, other, None, "").await;
    server.store.until_only_followed(other, id).await;
    let mut versions = 0;
    let code = loop {
        match websocket::next(&mut socket).await {
            Said::Text(text) if text.contains("\"sequence\"") => {
                versions += 1;
                assert!(text.contains(&format!("\"{versions:010}\"")), "nothing is skipped");
            }
            Said::Text(_) | Said::Ping => {}
            Said::Closed(code) => break code,
        }
    };
    assert_eq!(code, Some(4420));
    assert!(versions < 1_502, "the reader was cut before the end");
}

#[tokio::test]
async fn readers_that_catch_up_read_the_log_a_few_at_a_time() {
    let server = Server::start().await;
    let id = server.submit().await;
    server.store.start(id);
    for _ in 0..200 {
        server.store.change(id, delta(&"x".repeat(8_000)));
    }
    server.store.fail(id);
    let log = server.store.log_lines(id);
    let mut readers = Vec::new();
    for _ in 0..16 {
        readers.push(sse::Reader::new(sse::open(&server, id, None, "").await));
    }
    let transcripts = join_all(readers.iter_mut().map(|reader| async {
        let mut lines = Vec::new();
        while let Some(message) = reader.next().await {
            lines.extend(message.id.and(message.data));
        }
        lines
    }));
    for transcript in transcripts.await {
        assert_eq!(transcript, log);
    }
    // Three, one that believes to be up to date, and the first read of a stream.
    assert!(server.store.log_reads.most() <= 5, "{}", server.store.log_reads.most());
}
