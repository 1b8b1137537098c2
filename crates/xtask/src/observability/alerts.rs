//! The alerts, their runbooks, and the object of Kubernetes that is made of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::metrics::{self, Metrics};

/// The alerts.
pub(super) const FILE: &str = "deploy/observability/alerts.yaml";
/// A section for each of them.
pub(super) const PAGE: &str = "docs/alerts.md";
/// Where each of them fires.
pub(super) const TESTS: &str = "deploy/observability/alerts_test.yaml";
/// The same, for the Prometheus Operator.
pub(super) const OBJECT: &str = "deploy/kubernetes/components/monitoring/alerts.yaml";
/// How the object begins, before the groups.
const OBJECT_HEAD: &str = "\
# Made from deploy/observability/alerts.yaml by `cargo xtask observability --write`: change that one.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: fleet
  labels:
    app.kubernetes.io/name: assay
spec:
";
/// Who is to look: at once, or on the next working day.
const SEVERITIES: [&str; 2] = ["critical", "warning"];

/// A file of rules of Prometheus, and the `spec` of a PrometheusRule: what is used of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    pub(super) groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    name: String,
    pub(super) rules: Vec<Alert>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alert {
    pub(super) alert: String,
    pub(super) expr: String,
    /// How long it must hold; empty where once is enough.
    #[serde(default)]
    r#for: String,
    labels: Labels,
    annotations: Annotations,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    severity: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Annotations {
    summary: String,
    description: String,
    runbook_url: String,
}

/// What is wrong with the alerts, held to what is measured, to the page and to the tests.
pub(super) fn findings(rules: &Rules, metrics: &Metrics, page: &str, tests: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut sections: BTreeSet<&str> = sections(page).collect();
    let mut seen = BTreeSet::new();
    let mut pages = BTreeMap::new();
    for group in &rules.groups {
        if !seen.insert(group.name.as_str()) {
            found.push(format!("two are called {}", group.name));
        }
        for alert in &group.rules {
            let name = &alert.alert;
            let mut own = alert.findings();
            own.extend(metrics.missing(&alert.expr));
            if !seen.insert(name) {
                own.push("another has its name".to_owned());
            }
            if !sections.remove(name.as_str()) {
                own.push(format!("{PAGE} has no section of that name"));
            }
            let tested = [format!("alertname: {name}\n"), format!("alertname=\"{name}\"")];
            if !tested.iter().any(|tested| tests.contains(tested)) {
                own.push(format!("it fires nowhere in {TESTS}"));
            }
            let (page, _) = alert.annotations.runbook_url.split_once('#').unwrap_or_default();
            pages.insert(page, name);
            found.extend(own.into_iter().map(|finding| format!("{name}: {finding}")));
        }
    }
    found.extend(sections.iter().map(|name| format!("{PAGE}: {name} is no alert")));
    for expression in metrics::expressions(page) {
        let missing = metrics.missing(expression).into_iter();
        found.extend(missing.map(|missing| format!("{PAGE}: {expression}: {missing}")));
    }
    if pages.len() > 1 {
        found.push(format!("runbooks are on {} pages: {pages:?}", pages.len()));
    }
    found.into_iter().map(|finding| format!("{FILE}: {finding}")).collect()
}

impl Alert {
    /// What is wrong with it alone.
    fn findings(&self) -> Vec<String> {
        let Self { alert, r#for, labels, annotations, .. } = self;
        let runbook = format!("/alerts.md#{}", alert.to_lowercase());
        let is_duration = r#for.is_empty()
            || r#for.strip_suffix('m').is_some_and(|minutes| minutes.parse::<u32>().is_ok());
        let checks = [
            (alert.starts_with("Assay"), "its name does not say whose it is"),
            (SEVERITIES.contains(&labels.severity.as_str()), "it is neither critical nor warning"),
            (is_duration, "`for` is no number of minutes"),
            (annotations.runbook_url.ends_with(&runbook), "its runbook is not its section"),
            (!annotations.summary.trim_end().ends_with('.'), "its summary is more than a title"),
            (annotations.description.trim_end().ends_with('.'), "its description is no sentence"),
        ];
        let broken = checks.into_iter().filter(|(holds, _)| !holds);
        let mut found: Vec<String> = broken.map(|(_, finding)| finding.to_owned()).collect();
        let given = metrics::labels_given(&self.expr);
        for text in [&annotations.summary, &annotations.description] {
            let labels = text.split("$labels.").skip(1);
            let labels = labels.map(|rest| rest.split(' ').next().unwrap_or(rest));
            let absent = labels.filter(|label| !given.contains(*label));
            found.extend(
                absent.map(|label| format!("it tells of a label {label} that is not there")),
            );
        }
        found
    }
}

/// The names of the page's sections that are about an alert.
fn sections(page: &str) -> impl Iterator<Item = &str> {
    let titles = page.lines().filter_map(|line| line.strip_prefix("## "));
    titles.map(str::trim).filter(|title| title.starts_with("Assay") && !title.contains(' '))
}

/// The object of Kubernetes that says the same as a file of rules.
pub(super) fn object(rules: &str) -> String {
    let groups = rules.find("\ngroups:").map_or(rules, |at| &rules[at + 1..]);
    let mut object = OBJECT_HEAD.to_owned();
    for line in groups.lines() {
        if !line.is_empty() {
            object.push_str("  ");
            object.push_str(line);
        }
        object.push('\n');
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r##"
groups:
  - name: symptoms
    rules:
      - alert: AssayGone
        expr: up{job="assay"} == 0
        for: 5m
        labels: {severity: critical}
        annotations:
          summary: It is gone
          description: '{{ $labels.instance }} says nothing.'
          runbook_url: https://docs.example.org/assay/alerts.md#assaygone
"##;
    const SECTIONS: &str = "# Alerts\n\n## How to read them\n\n## AssayGone\n\nIt is gone.\n";
    const FIRING: &str = "expr: ALERTS{alertname=\"AssayGone\"}";

    fn found(rules: &str, page: &str, tests: &str) -> Vec<String> {
        let rules: Result<Rules, _> = serde_norway::from_str(rules);
        match rules {
            Ok(rules) => findings(&rules, &Metrics::of(""), page, tests),
            Err(error) => vec![error.to_string()],
        }
    }

    #[test]
    fn an_alert_that_is_measured_explained_and_tested_is_accepted() {
        assert_eq!(found(GOOD, SECTIONS, FIRING), [""; 0]);
    }

    #[test]
    fn an_alert_that_is_misspelt_anywhere_is_found() {
        for (from, to, said) in [
            ("- alert:", "- alret:", "unknown field `alret`"),
            ("for:", "fro:", "unknown field `fro`"),
            ("severity:", "severty:", "unknown field `severty`"),
            ("summary:", "sumary:", "unknown field `sumary`"),
            ("critical", "crticial", "neither critical nor warning"),
            ("5m", "5 minutes", "no number of minutes"),
            ("up{", "pu{", "series pu"),
            ("{job=", "{jbo=", "label jbo"),
            ("alerts.md#assaygone", "alerts.md#assaygnoe", "not its section"),
            ("says nothing.", "says nothing", "no sentence"),
            ("$labels.instance", "$labels.instnace", "label instnace"),
        ] {
            let found = found(&GOOD.replace(from, to), SECTIONS, FIRING);
            assert!(found.iter().any(|finding| finding.contains(said)), "{from}: {found:?}");
        }
    }

    #[test]
    fn every_alert_has_a_section_and_a_test_and_every_section_an_alert() {
        let other = SECTIONS.replace("AssayGone", "AssayGnoe");
        let without = found(GOOD, &other, FIRING);
        assert!(without.iter().any(|finding| finding.contains("no section")), "{without:?}");
        assert!(without.iter().any(|finding| finding.contains("AssayGnoe is no alert")));
        let page = format!("{SECTIONS}See `sum(assay_worker_slot)`.\n");
        let stale = found(GOOD, &page, FIRING);
        assert!(stale.iter().any(|finding| finding.contains("assay_worker_slot ")), "{stale:?}");
        let untested = found(GOOD, SECTIONS, "expr: ALERTS{alertname=\"AssayGnoe\"}");
        assert!(untested.iter().any(|finding| finding.contains("fires nowhere")), "{untested:?}");
    }

    #[test]
    fn the_object_has_the_groups_and_nothing_else_of_the_file() {
        let object = object(&format!("# Alerts.\n{GOOD}"));
        let value: serde_json::Value = serde_norway::from_str(&object).unwrap();
        let groups: serde_json::Value = serde_norway::from_str(GOOD).unwrap();
        assert_eq!(value["spec"], groups);
        assert!(!object.contains("# Alerts."));
    }
}
