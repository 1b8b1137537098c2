//! What is measured, by docs/metrics.md, and what expressions ask for.

use std::collections::{BTreeMap, BTreeSet};

/// The page that lists what is measured.
pub(super) const PAGE: &str = "docs/metrics.md";

/// What a histogram is shown as.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];
/// What Prometheus gives to every series, by deploy/observability/prometheus.yaml and the
/// PodMonitor of deploy/kubernetes.
const TARGET: [&str; 4] = ["job", "namespace", "component", "instance"];
/// Series of others: what Prometheus itself writes, and what the collector says of itself
/// (<https://opentelemetry.io/docs/collector/internal-telemetry/>), with their labels.
const FOREIGN: [(&str, &[&str]); 7] = [
    ("up", &[]),
    ("ALERTS", &["alertname", "alertstate", "severity"]),
    ("otelcol_exporter_enqueue_failed_spans_total", &["exporter"]),
    ("otelcol_exporter_queue_capacity", &["exporter"]),
    ("otelcol_exporter_queue_size", &["exporter"]),
    ("otelcol_exporter_send_failed_spans_total", &["exporter"]),
    ("otelcol_receiver_refused_spans_total", &["receiver"]),
];
/// How the names of series begin that a page of prose may ask for.
const SERIES: [&str; 6] =
    ["assay_", "db_client_", "gen_ai_client_", "http_server_", "messaging_client_", "otelcol_"];
/// Words of PromQL that are no series where they stand alone.
const WORDS: [&str; 6] = ["and", "or", "unless", "bool", "offset", "atan2"];
/// Words that are followed by labels in parentheses.
const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Labels whose values are not this page's: codes are those of /v1/problems, the others are the
/// protocol's, or a configuration's.
const OPEN: [&str; 4] = ["code", "http_response_status_code", "http_route", "alertname"];

/// Every series that there is, with its labels.
#[derive(Debug)]
pub(crate) struct Metrics {
    series: BTreeMap<String, BTreeSet<String>>,
    /// The text of the page, which has the values of labels.
    page: String,
}

impl Metrics {
    /// Reads the tables of the page: `| name | Prometheus | kind | unit | attributes | …`.
    pub(super) fn of(page: &str) -> Self {
        let mut series = BTreeMap::new();
        for line in page.lines().filter(|line| line.starts_with("| `")) {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, _, name, kind, _, attributes, ..] = cells[..] else { continue };
            let labels: BTreeSet<String> = quoted(attributes).map(label).collect();
            let name = name.trim_matches('`');
            if kind == "histogram" {
                for part in PARTS {
                    let mut labels = labels.clone();
                    labels.extend((part == "_bucket").then(|| "le".to_owned()));
                    series.insert(format!("{name}{part}"), labels);
                }
            } else {
                series.insert(name.to_owned(), labels);
            }
        }
        for (name, labels) in FOREIGN {
            series.insert(name.to_owned(), labels.iter().map(|&label| label.to_owned()).collect());
        }
        Self { series, page: page.to_owned() }
    }

    /// What of an expression is not there: a series, a label of it, or a label's value.
    pub(super) fn missing(&self, expression: &str) -> Vec<String> {
        let asked = Asked::of(expression);
        let mut missing = Vec::new();
        let mut labels: BTreeSet<&str> = TARGET.into();
        for name in &asked.series {
            match self.series.get(name) {
                Some(its) => labels.extend(its.iter().map(String::as_str)),
                None => missing.push(format!("the series {name} is not in {PAGE}")),
            }
        }
        let unknown = asked.labels.iter().filter(|label| !labels.contains(label.as_str()));
        missing.extend(unknown.map(|label| format!("no series that it asks has a label {label}")));
        let values = asked.values.iter().filter(|(label, value)| !self.has(label, value));
        missing.extend(values.map(|(label, value)| format!("no {label} is {value:?}")));
        missing
    }

    /// Whether a label may have this value, as far as the page tells.
    fn has(&self, label: &str, value: &str) -> bool {
        let is_free = TARGET.contains(&label) || OPEN.contains(&label) || value.contains('$');
        let is_of_others = self.series.get("ALERTS").is_some_and(|its| its.contains(label));
        let named = || [format!("`{value}`"), format!("\"{value}\"")];
        is_free || is_of_others || named().iter().any(|named| self.page.contains(named))
    }
}

/// The labels of what an alert's expression gives: those that it groups by, or those of a target.
pub(super) fn labels_given(expression: &str) -> BTreeSet<String> {
    let mut given = Asked::of(expression).labels;
    if !expression.contains(" by (") {
        given.extend(TARGET.map(str::to_owned));
    }
    given
}

/// The expressions of a page of prose: what stands in backquotes and asks for a series.
pub(super) fn expressions(page: &str) -> impl Iterator<Item = &str> {
    let prose = page.lines().filter(|line| !line.starts_with("```"));
    let spans = prose.flat_map(quoted);
    spans.filter(|span| SERIES.iter().any(|series| span.contains(series)))
}

/// What stands in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// An attribute's name as Prometheus has it.
fn label(attribute: &str) -> String {
    attribute.replace('.', "_")
}

/// What an expression asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked {
    series: BTreeSet<String>,
    labels: BTreeSet<String>,
    /// Label and value of what is compared; of a regular expression each alternative.
    values: BTreeSet<(String, String)>,
}

/// Where in an expression a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    /// `{…}`
    Matchers,
    /// `by (…)`
    Grouping,
    /// `[…]`
    Range,
}

impl Asked {
    fn of(expression: &str) -> Self {
        let mut asked = Self::default();
        let mut place = Place::Outside;
        let mut label = String::new();
        let mut rest = expression;
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == '$';
            let length = match first {
                '"' | '\'' => 2 + rest[1..].find(first).unwrap_or(rest.len().saturating_sub(2)),
                c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                c => c.len_utf8(),
            };
            let (token, after) = rest.split_at(length.min(rest.len()));
            place = match (place, first) {
                (Place::Outside, '{') => Place::Matchers,
                (Place::Outside, '[') => Place::Range,
                (Place::Matchers, '}') | (Place::Range, ']') | (Place::Grouping, ')') => {
                    Place::Outside
                }
                (Place::Outside, _) if GROUPING.contains(&token) => Place::Grouping,
                (same, _) => same,
            };
            asked.take(place, token, after, &mut label);
            rest = after;
        }
        asked
    }

    /// Takes one word, or one text in quotes, of an expression; `label` is the last label.
    fn take(&mut self, place: Place, token: &str, after: &str, label: &mut String) {
        let starts_name = token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        match place {
            Place::Range => {}
            Place::Matchers if starts_name => {
                self.labels.insert(token.to_owned());
                token.clone_into(label);
            }
            Place::Matchers if token.len() > 1 && token.starts_with(['"', '\'']) => {
                let text = &token[1..token.len() - 1];
                let values = text.split('|').filter(|value| !value.is_empty());
                let is_plain = |value: &&str| !value.contains(['.', '+', '*', '(']);
                let pairs = values.filter(is_plain).map(|value| (label.clone(), value.to_owned()));
                self.values.extend(pairs);
            }
            Place::Grouping if starts_name && !GROUPING.contains(&token) => {
                self.labels.insert(token.to_owned());
            }
            Place::Outside if starts_name && !WORDS.contains(&token) => {
                let next = after.trim_start();
                // Else it is a function, or an operator over series.
                let is_series = !next.starts_with('(')
                    && !GROUPING.iter().any(|word| next.starts_with(&format!("{word} ")));
                self.series.extend(is_series.then(|| token.to_owned()));
            }
            Place::Matchers | Place::Grouping | Place::Outside => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "
| Metric | Prometheus | Kind | Unit | Attributes | What it says | When to worry |
|---|---|---|---|---|---|---|
| `assay.jobs.backlog` | `assay_jobs_backlog` | gauge | {job} | `state` | jobs | `due` grows |
| `http.server.request.duration` | `http_server_request_duration_seconds` | histogram | s | `http.route` | a | b |
";

    #[test]
    fn a_histogram_is_three_series_and_an_attribute_is_a_label() {
        let metrics = Metrics::of(TABLES);
        for expression in [
            "max by (namespace, state) (assay_jobs_backlog{state=\"due\"}) > 0",
            "histogram_quantile(0.99, sum by (le) (rate(\
             http_server_request_duration_seconds_bucket{http_route=~\"/v1/.+\"}[5m]))) > 1e3",
            "sum(http_server_request_duration_seconds_count) / vector(60)",
            "min_over_time(sum by (namespace) (assay_jobs_backlog)[10m:1m]) > 0 and on (namespace) \
             up{job=\"assay\", instance=~\"$instance\"} == 0 unless absent(up)",
        ] {
            assert_eq!(metrics.missing(expression), [""; 0], "{expression}");
        }
    }

    #[test]
    fn what_no_page_tells_of_is_missing_wherever_it_is_asked_for() {
        let metrics = Metrics::of(TABLES);
        for (expression, said) in [
            ("rate(assay_job_backlog[5m])", "assay_job_backlog"),
            ("http_server_request_duration_seconds", "http_server_request_duration_seconds"),
            ("sum by (stat) (assay_jobs_backlog)", "label stat"),
            ("assay_jobs_backlog{stat=\"due\"}", "label stat"),
            ("assay_jobs_backlog{state=\"deu\"}", "\"deu\""),
            ("assay_jobs_backlog{state=~\"due|helf\"}", "\"helf\""),
            ("up == 0 or assay_jobs_backlog / on (le) up", "label le"),
        ] {
            let missing = metrics.missing(expression);
            assert!(missing.len() == 1 && missing[0].contains(said), "{expression}: {missing:?}");
        }
    }
}
