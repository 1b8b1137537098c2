//! What processes show, as Prometheus would read it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// All series of a process, or of several added up, with their values.
pub(super) struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    pub(super) async fn of(processes: &[SocketAddr]) -> Self {
        let mut all = BTreeMap::new();
        for process in processes {
            let response = reqwest::get(format!("http://{process}/metrics")).await.unwrap();
            assert_eq!(response.status(), 200);
            let text = response.text().await.unwrap();
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                let (series, value) = line.rsplit_once(' ').unwrap();
                *all.entry(series.to_owned()).or_default() += value.parse::<f64>().unwrap();
            }
        }
        Self(all)
    }

    /// The sum of a metric's series that have all of these labels; `None` if there are none.
    pub(super) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let wanted: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let of_metric = |series: &&String| {
            series.split('{').next() == Some(name)
                && wanted.iter().all(|label| series.contains(label.as_str()))
        };
        let values: Vec<f64> = self
            .0
            .iter()
            .filter(|(series, _)| of_metric(series))
            .map(|(_, value)| *value)
            .collect();
        (!values.is_empty()).then(|| values.iter().sum())
    }

    /// The names of all series, with their labels.
    pub(super) fn series(self) -> BTreeSet<String> {
        self.0.into_keys().collect()
    }
}
