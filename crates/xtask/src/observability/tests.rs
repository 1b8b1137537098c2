use serde::de::DeserializeOwned;
use serde_json::Value;

use super::collector::{COLLECTOR, Collector, JAEGER};
use super::dashboard::Dashboard;
use super::prometheus::{DASHBOARDS, Dashboards, PROMETHEUS, Prometheus, SOURCES, Sources};
use super::{alerts, check, dashboard, read};
use crate::misspelling::{fields, misspelt};

#[test]
fn what_looks_at_a_fleet_is_in_order() {
    let root = crate::repository().canonicalize().unwrap();
    let checked = check(&root).unwrap();
    assert!(checked.findings.is_empty(), "{}", checked.findings.join("\n"));
    if let Some(reason) = checked.unasked {
        crate::skip("what_looks_at_a_fleet_is_in_order, by promtool", &reason);
    }
}

#[test]
fn a_misspelt_field_is_refused_in_every_file() {
    let mut asked = 0;
    asked += misspell::<alerts::Rules>(alerts::FILE, |_| Vec::new());
    asked += misspell::<Collector>(COLLECTOR, |read| read.findings(COLLECTOR));
    asked += misspell::<Collector>(JAEGER, |read| read.findings(JAEGER));
    asked += misspell::<Prometheus>(PROMETHEUS, Prometheus::findings);
    asked += misspell::<Sources>(SOURCES, |_| Vec::new());
    asked += misspell::<Dashboards>(DASHBOARDS, |_| Vec::new());
    asked += misspell::<Dashboard>(dashboard::FILE, |_| Vec::new());
    assert!(asked > 2_000, "only {asked} fields were misspelt");
}

/// Misspells the fields of a file, one at a time, and expects each to be refused as it is read or
/// by `findings`: how many that were.
fn misspell<T: DeserializeOwned>(file: &str, findings: impl Fn(&T) -> Vec<String>) -> usize {
    let text = read(&crate::repository(), file).unwrap();
    let document: Value = serde_norway::from_str(&text).unwrap();
    let fields = fields(&document);
    for field in &fields {
        if let Ok(read) = T::deserialize(misspelt(&document, field)) {
            assert!(!findings(&read).is_empty(), "{file}: {field} may be misspelt");
        }
    }
    fields.len()
}
