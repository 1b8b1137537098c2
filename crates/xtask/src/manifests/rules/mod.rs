//! What no schema can know: the rules of this fleet, each with its promise.

mod ending;
mod names;
mod network;
mod observation;
mod pods;
mod references;
mod scaling;
mod selectors;
mod settings;

use super::document::Rendered;

#[cfg(test)]
pub(super) use references::BROUGHT;
pub(super) use references::to_be_brought;

/// A promise about everything that a kustomization makes.
pub(super) struct Rule {
    pub(super) promise: &'static str,
    /// What breaks it.
    broken_by: fn(&Rendered) -> Vec<String>,
}

const fn rule(promise: &'static str, broken_by: fn(&Rendered) -> Vec<String>) -> Rule {
    Rule { promise, broken_by }
}

pub(super) const RULES: [Rule; 22] = [
    rule("every object has the common labels, and a name that a host may have", names::labels),
    rule("one release of Assay is named, and its Job has its name", names::releases),
    rule("no pod has rights that it does not need", pods::rights),
    rule("a signal reaches Assay, and somebody reaps what it leaves", pods::first_process),
    rule("every container has requests and limits, every scratch volume a size", pods::bounds),
    rule("every container that goes on has the three probes", pods::probes),
    rule("gateways and workers are restarted by /healthz, and never by /readyz", pods::health),
    rule("what is mounted is a volume, and every volume is mounted", pods::volumes),
    rule("a worker has 1 GiB for each document that it reads, and one more", pods::memory),
    rule("a pod has longer to end than its drain takes", ending::grace),
    rule("a gateway is missed by nobody while it is replaced", ending::replacement),
    rule("every setting is one of Assay's, and says what the ports say", settings::known),
    rule("every selector means the pods that it is for", selectors::selectors),
    rule("every Secret, ConfigMap, account and port that is named is there", references::named),
    rule("what may be evicted has a budget", scaling::budgets),
    rule("who scales is told how, and is alone with it", scaling::targets),
    rule("workers are scaled on a bounded count of what fills their slots", scaling::backlog),
    rule("nobody reaches anybody unless a policy says so", network::closed),
    rule("no policy leads to the address of a machine's credentials", network::metadata),
    rule("a gateway that asks nobody for a key is reached through who asks", network::gateways),
    rule("who asks how pods are reaches them, and is no stranger", observation::scraped),
    rule("traces go where a policy leads, and that is one place", observation::traced),
];

/// What breaks a rule, with the rule.
pub(super) fn broken(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    for rule in &RULES {
        let broken = (rule.broken_by)(rendered).into_iter();
        found.extend(broken.map(|finding| format!("{finding}\n  rule: {}", rule.promise)));
    }
    found
}

/// A file of the checkout that a rule compares with. Where there is none everything differs.
fn source(path: &str) -> String {
    std::fs::read_to_string(crate::repository().join(path)).unwrap_or_default()
}
