//! How many workers KEDA would have, by the query that deploy/kubernetes gives it.

use std::fs;
use std::ops::RangeInclusive;

use serde::Deserialize as _;
use serde_json::Value;

const MANIFEST: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../deploy/kubernetes/components/autoscaling/worker.yaml"
);

/// What decides on the number of workers. KEDA does so through an autoscaler of Kubernetes, which
/// adds times to wait before it follows; here each answer is followed at once.
pub(super) struct Autoscaler {
    /// The query whose value is the backlog.
    pub(super) query: String,
    /// The backlog that each worker is for.
    pub(super) jobs_per_worker: usize,
    /// The fewest and the most workers.
    pub(super) replicas: RangeInclusive<usize>,
}

impl Autoscaler {
    /// The one that is deployed.
    pub(super) fn deployed() -> Self {
        let yaml = fs::read_to_string(MANIFEST).unwrap();
        let documents = serde_norway::Deserializer::from_str(&yaml);
        let mut documents = documents.map(|document| Value::deserialize(document).unwrap());
        let object = documents.find(|document| document["kind"] == "ScaledObject").unwrap();
        let spec = &object["spec"];
        let trigger = &spec["triggers"][0];
        assert_eq!(
            (&trigger["type"], &trigger["metricType"]),
            (&"postgresql".into(), &"AverageValue".into())
        );
        let count = |name: &str| spec[name].as_u64().unwrap() as usize;
        Self {
            query: trigger["metadata"]["query"].as_str().unwrap().to_owned(),
            jobs_per_worker: trigger["metadata"]["targetQueryValue"]
                .as_str()
                .unwrap()
                .parse()
                .unwrap(),
            replicas: count("minReplicaCount")..=count("maxReplicaCount"),
        }
    }

    /// The workers for a backlog: of an `AverageValue`, as many as share it at the target or below.
    pub(super) fn workers(&self, backlog: usize) -> usize {
        let (min, max) = (*self.replicas.start(), *self.replicas.end());
        backlog.div_ceil(self.jobs_per_worker).clamp(min, max)
    }
}

#[test]
fn the_deployed_autoscaler_asks_for_a_worker_for_every_eight_jobs_within_its_bounds() {
    let deployed = Autoscaler::deployed();
    let asked = [0, 16, 17, 160, 161, 3_000].map(|backlog| deployed.workers(backlog));
    assert_eq!(asked, [2, 2, 3, 20, 20, 20]);
}
