//! A page of the web is read as its reader sees it: rows as lines, pages as pages, no boilerplate.

use adapter_retrieval::read;
use engine::ports::{MediaType, ReadDocument, ReadError};
use proptest::prelude::{Strategy, prop, proptest};

fn read_html(html: &str) -> ReadDocument {
    read(html.as_bytes(), MediaType::Html).unwrap()
}

/// The text of a document, page by page.
fn text(html: &str) -> String {
    let read = read_html(html);
    read.passages.iter().map(|passage| passage.text.as_str()).collect::<Vec<_>>().join("\n")
}

/// The lines that say something.
fn lines(html: &str) -> Vec<String> {
    text(html).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

const FILING: &str = include_str!("../fixtures/filing.htm");
const NEWS: &str = include_str!("../fixtures/news.html");

#[test]
fn a_filing_keeps_its_pages_and_its_rows() {
    let read = read_html(FILING);
    assert_eq!(read.pages, Some(3));
    let page = |number: u32| -> String {
        let passages = read.passages.iter().filter(|passage| passage.page == Some(number));
        passages.map(|passage| passage.text.as_str()).collect::<Vec<_>>().join("\n")
    };
    assert!(page(1).contains("Item 1.   Business"), "{}", page(1));
    assert!(page(1).contains("• We may not find enough skilled people."), "{}", page(1));
    for row in [
        "Years ended December 31",
        "(Millions)   2018   2017",
        "Net income   $5,363   $4,869",
        "Purchases of property, plant and equipment (PP&E) (1)   (1,577)   (1,373)",
        "Proceeds from sale of PP&E and other assets   262   49",
        "Growth   5.1%   (3.0)%",
    ] {
        assert!(page(2).lines().any(|line| line == row), "{row:?} in {}", page(2));
    }
    assert!(page(3).contains("Goodwill rose by $(42) million."), "{}", page(3));
    assert!(!text(FILING).contains("hidden"), "{}", text(FILING));
    let cash = read.passages.iter().find(|passage| passage.text.contains("1,577")).unwrap();
    assert!(cash.heading.contains("Consolidated Statement of Cash Flows"), "{}", cash.heading);
}

#[test]
fn a_news_page_is_read_without_what_stands_around_it() {
    let read = read_html(NEWS);
    let text = text(NEWS);
    assert_eq!(read.pages, None);
    assert!(read.passages.iter().all(|passage| passage.page.is_none()));
    for kept in [
        "Orrery Instruments lifts its outlook",
        "By Dana Quill",
        "Region   2023   2024",
        "Europe   412   455",
        "sales in Europe",
    ] {
        assert!(text.contains(kept), "{kept:?} in {text}");
    }
    for dropped in ["Subscribe", "cookies", "Privacy", "Markets", "Most read", "http", "track("] {
        assert!(!text.contains(dropped), "{dropped:?} in {text}");
    }
    let table = read.passages.iter().find(|passage| passage.text.contains("455")).unwrap();
    assert!(table.heading.starts_with("Orrery Instruments lifts its outlook"), "{}", table.heading);
}

#[test]
fn a_row_is_one_line_however_its_cells_are_made() {
    for (html, expected) in [
        (
            "<table><tr><td>Sales</td><td></td><td>$</td><td>5</td><td>(4</td><td>)</td></tr></table>",
            vec!["Sales   $5   (4)"],
        ),
        ("<table><tr><td>Sales<td>5<tr><td>Cost<td>4</table>", vec!["Sales   5", "Cost   4"]),
        (
            "<table><tr><td><p>Net</p><p>sales</p></td><td><div>5</div></td></tr></table>",
            vec!["Net sales   5"],
        ),
        (
            "<table><tr><td rowspan=2>Europe</td><td>Q1</td><td>5</td></tr><tr><td>Q2</td><td>6</td></tr></table>",
            vec!["Europe   Q1   5", "Europe   Q2   6"],
        ),
        (
            "<table><tr><td>A</td><td rowspan='2'>7</td></tr><tr><td>B</td></tr></table>",
            vec!["A   7", "B   7"],
        ),
        (
            "<table><tr><td>Sales<br>Cost</td><td>5<br>4</td></tr></table>",
            vec!["Sales   5", "Cost   4"],
        ),
        (
            "<table><tr><td>Net</td><td><table><tr><td>$</td><td>5</td></tr></table></td></tr></table>",
            vec!["Net   $5"],
        ),
        (
            "<table><tr><td><p>One.</p><table><tr><td>A</td><td>1</td></tr><tr><td>B</td><td>2</td></tr></table></td><td>Side</td></tr></table>",
            vec!["One.", "A   1", "B   2", "Side"],
        ),
        ("<table>Loose<tr><td>A</td><td>1</td></tr></table>", vec!["Loose", "A   1"]),
        (
            "<table><caption>Cash</caption><tr><td>A</td><td>1</td></tr></table>",
            vec!["Cash", "A   1"],
        ),
        (
            "<table><tr><td>Sales<sup>1</sup></td><td>5,363<sup>2</sup></td></tr></table>",
            vec!["Sales1   5,363 2"],
        ),
        (
            "<table><tr style='display:none'><td>x</td></tr><tr><td>A</td><td hidden>9</td><td>1</td></tr></table>",
            vec!["A   1"],
        ),
    ] {
        assert_eq!(lines(html), expected, "{html}");
    }
}

#[test]
fn what_is_hidden_or_stands_on_every_page_is_dropped() {
    for (html, expected) in [
        ("<p>a<span style='display:none'>x<span>y</span></span>b</p>", vec!["ab"]),
        ("<nav>x</nav><p>a</p><aside>y</aside><div role=navigation>z</div>", vec!["a"]),
        ("<header>x</header><p>a</p><footer>y</footer>", vec!["a"]),
        ("<header><h1>Title</h1></header><p>a</p>", vec!["Title", "a"]),
        ("<article><header>By Ann</header><p>a</p></article>", vec!["By Ann", "a"]),
        ("<form>Mail <input name=m><button>Go</button></form><p>a</p>", vec!["a"]),
        ("<h2><button>Unfold</button></h2><p>a</p>", vec!["Unfold", "a"]),
        ("<script>if (a < b) x('<p>')</script><style>p{}</style><p>a</p>", vec!["a"]),
        ("<p>a</p><nav>x<p>b</p>", vec!["a", "x", "b"]),
        ("<div class='cookie-notice'>We use cookies</div><p>a</p>", vec!["a"]),
        (
            "<ix:header><ix:hidden>x</ix:hidden></ix:header><p>a <ix:nonfraction>5</ix:nonfraction></p>",
            vec!["a 5"],
        ),
        ("<p>a <a href='http://x.y'>link</a> &amp; &#8212;</p>", vec!["a link & —"]),
    ] {
        assert_eq!(lines(html), expected, "{html}");
    }
}

#[test]
fn a_style_that_breaks_pages_gives_a_document_its_pages() {
    for html in [
        "<p>One</p><hr style='page-break-after:always'><p>Two</p>",
        "<p>One</p><hr style='page-break-after:always'><div style='page-break-before:always'>Two</div>",
        "<div style='break-after:page'>One</div><p>Two</p><p style='page-break-after:always'></p>",
        "<table><tr><td><p>One</p><p style='page-break-before:always'>Two</p></td></tr></table>",
        "<table><tr><td>One</td></tr><tr style='page-break-before:always'><td>Two</td></tr></table>",
        "One<br style='page-break-before: always'>Two",
    ] {
        let read = read_html(html);
        let places: Vec<_> = read.passages.iter().map(|p| (p.page, p.text.as_str())).collect();
        assert_eq!(read.pages, Some(2), "{html}");
        assert_eq!(places, [(Some(1), "One"), (Some(2), "Two")], "{html}");
    }
}

#[test]
fn headings_keep_their_rank_and_leave_no_mark() {
    let prose = "<p>The company sold more of what it makes than in the year before.</p>".repeat(12);
    let html = format!(
        "<h1>Acme</h1><h2>Cash</h2>{prose}<h3>Debt\n<br>and Leases</h3>{prose}<h2>Outlook</h2>{prose}"
    );
    let read = read_html(&html);
    let headings: Vec<&str> = read.passages.iter().map(|p| p.heading.as_str()).collect();
    assert_eq!(headings, ["Acme › Cash", "Acme › Cash › Debt and Leases", "Acme › Outlook"]);
    assert!(!format!("{read:?}").contains("fdd"), "{read:?}");
}

#[test]
fn what_is_no_html_is_refused_with_its_reason() {
    for (bytes, part) in [
        (b"%PDF-1.7 <p>".as_slice(), "it is a PDF"),
        (b"MZ\x90\0\x03\0\0\0", "a NUL at byte 3"),
        (b"Net sales rose.", "no HTML element"),
    ] {
        match read(bytes, MediaType::Html) {
            Err(ReadError::Malformed { expected, reason }) => {
                assert_eq!(expected, "HTML");
                assert!(reason.contains(part), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
    for empty in ["", "  \n", "<html><body><p>&nbsp;&#8203;</p></body></html>"] {
        assert_eq!(read(empty.as_bytes(), MediaType::Html), Err(ReadError::NoText), "{empty}");
    }
}

fn cell() -> impl Strategy<Value = String> {
    proptest::prop_oneof!["[A-Z][a-z]{2,9}( [a-z]{2,9}){0,3}", "[1-9],[0-9]{3}", ""]
}

proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]

    #[test]
    fn the_rows_of_a_table_come_out_in_order(
        rows in prop::collection::vec(("[A-Z][a-z]{3,9}", prop::collection::vec(cell(), 1..8)), 1..30),
        closed in proptest::bool::ANY,
    ) {
        let (end_cell, end_row) = if closed { ("</td>", "</tr>") } else { ("", "") };
        let mut html = "<table>".to_owned();
        for (label, cells) in &rows {
            html.push_str(&format!("\n<tr><td>{label}:{end_cell}"));
            for cell in cells {
                html.push_str(&format!("<td colspan=2>{cell}{end_cell}"));
            }
            html.push_str(end_row);
        }
        let expected: Vec<String> = rows
            .iter()
            .map(|(label, cells)| {
                let mut columns = vec![format!("{label}:")];
                columns.extend(cells.iter().filter(|cell| !cell.is_empty()).cloned());
                columns.join("   ")
            })
            .collect();
        assert_eq!(lines(&html), expected);
    }

    #[test]
    fn prose_loses_no_character_that_is_seen(
        paragraphs in prop::collection::vec("[A-Za-zé—€0-9 ,.]{1,300}", 1..20),
        tags in prop::collection::vec(prop::sample::select(vec!["p", "div", "li", "h3", "b", "pre", "td", "section", "unknown"]), 20),
    ) {
        let mut html = "<body>".to_owned();
        for (paragraph, tag) in paragraphs.iter().zip(&tags) {
            html.push_str(&format!("<{tag}>{paragraph}</{tag}>\n"));
        }
        let seen = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        let expected = seen(&paragraphs.concat());
        match read(html.as_bytes(), MediaType::Html) {
            Ok(_) => assert_eq!(seen(&text(&html)), expected),
            Err(error) => assert_eq!((error, expected.as_str()), (ReadError::NoText, "")),
        }
    }

    #[test]
    fn any_tag_soup_is_read_or_refused(
        soup in prop::collection::vec(prop::sample::select(vec![
            "<table>", "</table>", "<tr>", "</tr>", "<td>", "<td rowspan=3 colspan=2>", "</td>",
            "<th>", "<thead>", "</thead>", "<caption>", "<form>", "</form>", "<nav>", "</nav>",
            "<p hidden>", "</p>", "<div style='display:none'>", "</div>", "<div>", "<h1>", "</h1>",
            "<li>", "<ul>", "</ul>", "<pre>", "</pre>", "<sup>", "<span hidden>", "</span>",
            "<br>", "<hr style='page-break-after:always'>", "<header>", "</header>", "text",
            "5,363", " ", "\n", "<div style='break-after:page'>", "<select>", "</select>",
        ]), 0..120),
    ) {
        let _ = read(soup.concat().as_bytes(), MediaType::Html);
    }

    #[test]
    fn any_bytes_are_read_or_refused_as_html(bytes in prop::collection::vec(proptest::prelude::any::<u8>(), 0..2_000)) {
        let _ = read(&bytes, MediaType::Html);
    }
}
