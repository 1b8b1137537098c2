//! No page costs more than its size: time is linear whatever is nested in what.

use std::time::{Duration, Instant};

use adapter_retrieval::read;
use engine::ports::MediaType;

/// Enough of anything for a cost that grows with its square to be seen.
const MANY: usize = 100_000;
/// The time that so much may take, on a machine that does other things too and in a build without
/// optimisation.
const LIMIT: Duration = Duration::from_secs(30);

fn assert_bounded(name: &str, html: &str) {
    let begun = Instant::now();
    if let Ok(read) = read(html.as_bytes(), MediaType::Html) {
        let bytes: usize = read.passages.iter().map(|passage| passage.text.len()).sum();
        assert!(bytes <= 2 * html.len() + 1_000_000, "{name}: {bytes} bytes of {}", html.len());
    }
    assert!(begun.elapsed() < LIMIT, "{name}: {:?}", begun.elapsed());
}

#[test]
fn what_is_nested_without_end_is_read_in_bounded_time() {
    for tag in [
        "<div>",
        "<table>",
        "<table><tr><td>",
        "<b>",
        "<p hidden>",
        "<span hidden>",
        "<li>",
        "<ul><li>",
        "<form>",
        "<h1>",
        "<svg>",
        "<pre>",
    ] {
        assert_bounded(tag, &format!("{}text", tag.repeat(MANY)));
    }
    for (start, end) in [
        ("<div>", "</span>"),
        ("<div>", "</div>"),
        ("<table><td>", "</p>"),
        ("<span hidden>", "</i>"),
    ] {
        let html = format!("{}text{}", start.repeat(MANY), end.repeat(MANY));
        assert_bounded(start, &html);
    }
}

#[test]
fn floods_are_read_in_bounded_time() {
    let many = |piece: &str| piece.repeat(MANY);
    assert_bounded("entities", &format!("<p>{}", many("&amp;&#8212;&bogus;")));
    assert_bounded(
        "attributes",
        &format!("<p {}>text", (0..MANY).map(|n| format!("a{n}=1 ")).collect::<String>()),
    );
    assert_bounded("same attributes", &format!("<p {}>text", many("style=x:y ")));
    assert_bounded("a long style", &format!("<p style='{}'>text", many("display:x;")));
    assert_bounded("cells", &format!("<table><tr>{}", many("<td>a")));
    assert_bounded("spans", &format!("<table>{}", many("<tr><td rowspan=65534 colspan=1000>a")));
    assert_bounded(
        "one row of spans",
        &format!("<table><tr>{}{}", "<td rowspan=65534>abc".repeat(MANY / 10), many("<tr><td>b")),
    );
    assert_bounded("comments", &many("<!-- <p> --><p>"));
    assert_bounded("open angles", &format!("<p>{}", many("< < <")));
    assert_bounded("a broken script", &format!("<script>{}", many("<!--<script>")));
    assert_bounded("marks", &format!("<h1>{}", many("\u{fdd0}\u{fdd8}")));
    assert_bounded("one word", &format!("<p>{}", "a".repeat(20 * MANY)));
    assert_bounded("lines", &format!("<p>{}", many("a<br>")));
    assert_bounded("headings", &many("<h2>a</h2>"));
}
