//! How many there are.

use crate::manifests::custom;
use crate::manifests::document::{Document, Rendered, selects};
use crate::manifests::keda::ScaledObject;

/// Makes the table of jobs, and its indexes.
const TABLES: &str = "migrations/postgres/V1__jobs.sql";

/// The kinds that change how many pods a Deployment has.
const SCALERS: [&str; 2] = ["HorizontalPodAutoscaler", "ScaledObject"];

fn scalers(rendered: &Rendered) -> impl Iterator<Item = &Document> {
    SCALERS.into_iter().flat_map(|kind| rendered.of_kind(kind))
}

pub(super) fn budgets(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    for workload in rendered.workloads().iter().filter(|w| w.document.kind == "Deployment") {
        let mut budgets = rendered.of_kind("PodDisruptionBudget");
        let labels = &workload.labels;
        if !budgets.any(|budget| selects(&budget.map("/spec/selector/matchLabels"), labels)) {
            found.push(format!("{}: no PodDisruptionBudget", workload.document.title()));
        }
    }
    found
}

pub(super) fn targets(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    let mut taken = Vec::new();
    for document in scalers(rendered) {
        let title = document.title();
        let target = document.text("/spec/scaleTargetRef/name");
        let kind = document.text("/spec/scaleTargetRef/kind");
        match rendered.named("Deployment", target).filter(|_| kind == "Deployment") {
            None => found.push(format!("{title}: there is no {kind}/{target}")),
            Some(scaled) if scaled.value.pointer("/spec/replicas").is_some() => {
                found.push(format!("{}: replicas that {title} changes", scaled.title()));
            }
            Some(_) => {}
        }
        if taken.contains(&target) {
            found.push(format!("{title}: {target} is scaled twice"));
        }
        taken.push(target);
    }
    found
}

pub(super) fn backlog(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    for document in rendered.of_kind("ScaledObject") {
        let title = document.title();
        let Some(scaled) = custom::spec::<ScaledObject>(document) else {
            found.push(format!("{title}: its form is not known"));
            continue;
        };
        let target = document.text("/spec/scaleTargetRef/name");
        let ours = rendered.ours();
        let worker = ours
            .iter()
            .find(|workload| workload.component() == "worker" && workload.document.name == target);
        let mut settings =
            worker.iter().flat_map(|w| w.containers()).map(|c| c.environment(rendered));
        let slots = settings.find_map(|values| values.get("ASSAY_SLOTS")?.parse::<u32>().ok());
        if scaled.min_replica_count == 0 || scaled.min_replica_count > scaled.max_replica_count {
            found.push(format!("{title}: no worker may be left, or more than there may be"));
        }
        for trigger in &scaled.triggers {
            let per_worker = trigger.metadata.target_query_value.parse::<u32>().ok();
            if per_worker.is_none() || per_worker != slots {
                found.push(format!("{title}: {per_worker:?} jobs a worker that has {slots:?}"));
            }
            let most = per_worker.map(|jobs| jobs.saturating_mul(scaled.max_replica_count));
            let query = &trigger.metadata.query;
            let counts: Vec<(&str, u32)> = query.split("FROM jobs").skip(1).map(count).collect();
            for (predicate, limit) in &counts {
                if Some(*limit) < most {
                    found.push(format!("{title}: it counts to {limit}, not to {most:?}"));
                }
                if !has_index(predicate) {
                    found.push(format!("{title}: no index is of the jobs that are `{predicate}`"));
                }
            }
            if counts.is_empty() {
                found.push(format!("{title}: it counts no jobs"));
            }
        }
    }
    found
}

/// Which jobs a part of the query counts, and how far: not at all if it does not say.
fn count(part: &str) -> (&str, u32) {
    let Some((predicate, rest)) = part.split_once("LIMIT") else { return (part.trim(), 0) };
    let limit = rest.trim_start().split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    (predicate.trim().trim_start_matches("WHERE "), limit.parse().unwrap_or(0))
}

/// Whether an index has these rows and no others, so that counting them reads no others.
fn has_index(predicate: &str) -> bool {
    let tables = super::source(TABLES);
    let words = tables.split_whitespace().collect::<Vec<_>>().join(" ");
    words.contains(&format!(" WHERE {predicate};"))
}
