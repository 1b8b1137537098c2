//! Writing HTML: the little of it that the page needs.

const STYLE: &str = include_str!("style.css");

/// A page that is being written.
pub(super) struct Html(String);

impl Html {
    /// A page with this title.
    pub(super) fn begun(title: &str) -> Self {
        let mut page = Self(String::new());
        page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        page.raw("<meta name=\"color-scheme\" content=\"light dark\">\n");
        // Without this a browser asks for an icon that is not there.
        page.raw("<link rel=\"icon\" href=\"data:,\">\n");
        page.raw(&format!("<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"));
        page.raw(&format!("<h1>{title}</h1>\n"));
        page
    }

    /// The whole page.
    pub(super) fn ended(mut self) -> String {
        self.raw("</body>\n</html>\n");
        self.0
    }

    /// Adds what is HTML already.
    pub(super) fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    pub(super) fn heading(&mut self, level: u8, id: &str, words: &str) {
        self.raw(&format!("<h{level} id=\"{id}\">{}</h{level}>\n", text(words)));
    }

    pub(super) fn paragraph(&mut self, words: &str) {
        self.raw(&format!("<p>{}</p>\n", text(words)));
    }

    /// Adds something to copy.
    pub(super) fn code(&mut self, code: &str) {
        self.raw(&format!("<pre><code>{}</code></pre>\n", escaped(code)));
    }

    /// Adds a table, if it has rows.
    pub(super) fn table(&mut self, heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return;
        }
        // A narrow screen scrolls the table, and not the page.
        self.raw("<div class=\"wide\"><table>\n<thead><tr>");
        heads.iter().for_each(|head| self.raw(&format!("<th>{}</th>", text(head))));
        self.raw("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.raw("<tr>");
            row.iter().for_each(|cell| self.raw(&format!("<td>{}</td>", text(cell.trim()))));
            self.raw("</tr>\n");
        }
        self.raw("</tbody></table></div>\n");
    }
}

/// Words as HTML: `code` in backquotes, and links as `[name](/path)`.
pub(super) fn text(words: &str) -> String {
    let mut html = String::new();
    for (index, part) in escaped(words).split('`').enumerate() {
        if index % 2 == 1 {
            html.push_str(&format!("<code>{part}</code>"));
        } else {
            html.push_str(&linked(part));
        }
    }
    html
}

fn linked(words: &str) -> String {
    let Some((before, rest)) = words.split_once('[') else { return words.to_owned() };
    let link = rest.split_once("](").and_then(|(name, rest)| {
        let (path, after) = rest.split_once(')')?;
        Some((name, path, after))
    });
    match link {
        Some((name, path, after)) => {
            format!("{before}<a href=\"{path}\">{name}</a>{}", linked(after))
        }
        None => words.to_owned(),
    }
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[test]
fn nothing_in_the_documents_is_taken_for_html() {
    assert_eq!(text("a <b> & `c<d>`"), "a &lt;b&gt; &amp; <code>c&lt;d&gt;</code>");
    assert_eq!(text("see [this](/x), [not"), "see <a href=\"/x\">this</a>, [not");
}
