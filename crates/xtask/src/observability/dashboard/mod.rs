//! The dashboard: whether it can be read, by Grafana and by those who look at it.

mod form;

use std::collections::BTreeSet;

pub(super) use form::Dashboard;
use form::{Panel, PanelType, Position};

use super::metrics::Metrics;

/// The dashboard.
pub(super) const FILE: &str = "deploy/observability/dashboards/assay.json";
/// The data source that every panel asks: a variable, whose value each Grafana has its own of.
const SOURCE: &str = "${datasource}";
/// Grafana's columns.
const WIDTH: u32 = 24;
/// The units that are used, each as Grafana calls it.
const UNITS: [&str; 6] = ["s", "short", "ops", "reqps", "percentunit", "currencyUSD"];
/// Says when a panel is bad news.
const ADVICE: &str = "orry";

impl Dashboard {
    /// Everything that it asks Prometheus.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &str> {
        let of_panels = self.panels.iter().flat_map(|panel| &panel.targets);
        let of_panels = of_panels.map(|target| target.expr.as_str());
        let of_annotations = self.annotations.list.iter().map(|note| note.target.expr.as_str());
        of_panels.chain(of_annotations)
    }

    /// What is wrong with it, held to what is measured.
    pub(super) fn findings(&self, metrics: &Metrics) -> Vec<String> {
        let mut found = self.variables();
        found.extend(self.expressions().flat_map(|expression| {
            let missing = metrics.missing(expression).into_iter();
            missing.map(move |missing| format!("{expression}: {missing}"))
        }));
        let mut ids = BTreeSet::new();
        for (n, panel) in self.panels.iter().enumerate() {
            let mut own = panel.findings();
            if !ids.insert(panel.id) {
                own.push(format!("another has the id {}", panel.id));
            }
            let over = self.panels[..n].iter().find(|other| panel.grid_pos.covers(other.grid_pos));
            own.extend(over.map(|other| format!("it lies over {:?}", other.title)));
            found.extend(own.into_iter().map(|finding| format!("{:?}: {finding}", panel.title)));
        }
        found.into_iter().map(|finding| format!("{FILE}: {finding}")).collect()
    }

    fn variables(&self) -> Vec<String> {
        let names: Vec<&str> = self.templating.list.iter().map(|v| v.name.as_str()).collect();
        let mut found = Vec::new();
        if names != ["datasource", "namespace", "instance"] {
            found.push(format!("its variables are {names:?}"));
        }
        let own = self.templating.list.iter().filter_map(|variable| variable.datasource.as_ref());
        let notes = self.annotations.list.iter().map(|note| &note.datasource);
        let fixed = own.chain(notes).filter(|source| source.uid != SOURCE);
        found.extend(fixed.map(|source| format!("it asks {} in place of {SOURCE}", source.uid)));
        found
    }
}

impl Panel {
    fn findings(&self) -> Vec<String> {
        let is_row = self.r#type == PanelType::Row;
        let Position { h, w, x, .. } = self.grid_pos;
        let sources = self.targets.iter().map(|target| &target.datasource).chain(&self.datasource);
        let unit = self.field_config.as_ref().map(|config| config.defaults.unit.as_str());
        let checks = [
            (h > 0 && w > 0 && x + w <= WIDTH, "it is no part of the grid"),
            (is_row || self.description.contains(ADVICE), "it does not say when to worry"),
            (is_row || unit.is_some_and(|unit| UNITS.contains(&unit)), "it has no known unit"),
            (is_row || !self.targets.is_empty(), "it asks nothing"),
            (is_row == self.targets.is_empty(), "a row asks something"),
            (sources.into_iter().all(|source| source.uid == SOURCE), "it asks a fixed source"),
            (
                self.targets.iter().all(|target| !target.legend_format.is_empty()),
                "a line has no name",
            ),
        ];
        let broken = checks.into_iter().filter(|(holds, _)| !holds);
        broken.map(|(_, finding)| finding.to_owned()).collect()
    }
}

impl Position {
    fn covers(self, other: Self) -> bool {
        let meet = |start: u32, length: u32, other: u32, other_length: u32| {
            start < other + other_length && other < start + length
        };
        meet(self.x, self.w, other.x, other.w) && meet(self.y, self.h, other.y, other.h)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observability::{metrics, read};

    fn good() -> (String, Metrics) {
        let root = crate::repository();
        let metrics = Metrics::of(&read(&root, metrics::PAGE).unwrap());
        (read(&root, FILE).unwrap(), metrics)
    }

    fn found(text: &str, metrics: &Metrics) -> Vec<String> {
        match serde_json::from_str::<Dashboard>(text) {
            Ok(dashboard) => dashboard.findings(metrics),
            Err(error) => vec![error.to_string()],
        }
    }

    #[test]
    fn what_is_misspelt_hidden_or_unexplained_in_a_dashboard_is_found() {
        let (good, metrics) = good();
        for (from, to, said) in [
            ("\"legendFormat\"", "\"legendFormt\"", "unknown field `legendFormt`"),
            ("\"fillOpacity\"", "\"fillOpactiy\"", "unknown field `fillOpactiy`"),
            ("\"colorMode\"", "\"colorMdoe\"", "did not match"),
            ("\"type\": \"stat\"", "\"type\": \"stats\"", "unknown variant `stats`"),
            ("assay_worker_slots{", "assay_worker_slot{", "series assay_worker_slot "),
            ("sum by (state) (assay_worker", "sum by (sate) (assay_worker", "label sate"),
            ("\"id\": 2,", "\"id\": 1,", "another has the id 1"),
            ("\"x\": 4,", "\"x\": 3,", "it lies over \"Jobs due\""),
            ("\"x\": 20,", "\"x\": 21,", "no part of the grid"),
            ("Worry when it stays up", "It stays up", "when to worry"),
            ("\"unit\": \"currencyUSD\"", "\"unit\": \"dollars\"", "no known unit"),
            ("\"uid\": \"${datasource}\"", "\"uid\": \"P1809\"", "P1809"),
        ] {
            assert!(good.contains(from), "{from} is not there");
            let found = found(&good.replacen(from, to, 1), &metrics);
            assert!(found.iter().any(|finding| finding.contains(said)), "{from}: {found:?}");
        }
    }
}
