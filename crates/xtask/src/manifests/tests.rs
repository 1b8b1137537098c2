use std::fs;

use serde_json::Value;

use super::document::{Document, Rendered};
use super::kubectl::Kubectl;
use super::schemas::Schemas;
use super::{FOLDER, KUBECTL, PACKAGES, RELEASES, custom, findings_in, kustomizations, rules};
use crate::misspelling::{fields, misspelt};
use crate::repository;

/// The schemas, and everything that is rendered. `None`, after saying why, where one cannot be had.
fn everything(test: &str) -> Option<(Schemas, Vec<Rendered>)> {
    let root = repository().canonicalize().unwrap();
    let kubectl = match Kubectl::find(KUBECTL) {
        Ok(kubectl) => kubectl,
        Err(unavailable) => return skip(test, &unavailable.reason),
    };
    let Some(folder) = PACKAGES.folder_if_installed(&root).unwrap() else {
        return skip(test, "kubernetes-validate is not installed (`cargo xtask manifests`)");
    };
    let render = |name: String| {
        let yaml = kubectl.render(&root.join(FOLDER).join(&name)).unwrap();
        Rendered::of(&name, &yaml.unwrap_or_else(|said| panic!("{name}: {said}"))).unwrap()
    };
    let rendered = kustomizations(&root).unwrap().into_iter().map(render).collect();
    Some((Schemas::of(&root, &folder), rendered))
}

fn skip<T>(test: &str, reason: &str) -> Option<T> {
    crate::skip(test, reason);
    None
}

#[test]
fn what_is_rendered_keeps_every_rule() {
    let Some((schemas, all)) = everything("what_is_rendered_keeps_every_rule") else { return };
    assert_eq!(all.iter().filter(|rendered| !rendered.is_applied()).count(), 1);
    for rendered in &all {
        let found = findings_in(rendered, &schemas).unwrap();
        assert!(found.is_empty(), "{}:\n{}", rendered.name, found.join("\n"));
    }
}

#[test]
fn a_misspelt_field_is_refused_wherever_it_is() {
    let Some((schemas, all)) = everything("a_misspelt_field_is_refused_wherever_it_is") else {
        return;
    };
    let mut asked = 0;
    let mut accepted = Vec::new();
    for rendered in all.into_iter().filter(Rendered::is_applied) {
        asked += misspell_everything(&schemas, &rendered, &mut accepted);
    }
    assert!(accepted.is_empty(), "{} of {asked}:\n{}", accepted.len(), accepted.join("\n"));
    assert!(asked > 1_000, "only {asked} fields were misspelt");
}

/// Misspells one field at a time, each once: how many that were, and which are accepted.
fn misspell_everything(
    schemas: &Schemas,
    rendered: &Rendered,
    accepted: &mut Vec<String>,
) -> usize {
    let mut mutants = Vec::new();
    for (place, document) in rendered.documents.iter().enumerate() {
        for field in fields(&document.value) {
            let value = misspelt(&document.value, &field);
            mutants.push((place, format!("{} {field}", document.title()), value));
        }
    }
    // The schemas see what is theirs, in one run; what they pass is left to the rest.
    let is_its = |place: usize| custom::is_its(&rendered.documents[place]);
    let (its, ours): (Vec<_>, Vec<_>) = mutants.iter().partition(|(place, ..)| is_its(*place));
    let values = ours.iter().map(|(_, _, value)| value);
    let complaints = schemas.complaints(values, &RELEASES[..1]).unwrap();
    let passed = ours.into_iter().zip(complaints).filter(|(_, said)| said.is_empty());
    for (place, title, value) in its.into_iter().chain(passed.map(|(mutant, _)| mutant)) {
        let is_refused = match Document::of(value.clone()) {
            Err(_) => true,
            Ok(document) => {
                let said = if is_its(*place) { custom::complaint(&document) } else { None };
                let mut documents = rendered.documents.clone();
                documents[*place] = document;
                let rendered = Rendered { name: rendered.name.clone(), documents };
                said.is_some() || !rules::broken(&rendered).is_empty()
            }
        };
        if !is_refused {
            accepted.push(format!("{}: {title}", rendered.name));
        }
    }
    mutants.len()
}

#[test]
fn every_rule_is_broken_by_something() {
    let Some((_, all)) = everything("every_rule_is_broken_by_something") else { return };
    // What the prod overlay has, and what looks at it.
    let prod = all.iter().find(|rendered| rendered.name == "overlays/observed").unwrap();
    let mut unbroken: Vec<&str> = rules::RULES.iter().map(|rule| rule.promise).collect();
    for (object, field, value, said) in BREACHES {
        let documents = prod.documents.iter().map(|document| {
            let mut document = document.clone();
            if document.title() == *object {
                let value: Value = serde_json::from_str(value).unwrap();
                let place = document.value.pointer_mut(field);
                *place.unwrap_or_else(|| panic!("{object} has no {field}")) = value;
                document = Document::of(document.value).unwrap();
            }
            document
        });
        let broken = Rendered { name: prod.name.clone(), documents: documents.collect() };
        let found = rules::broken(&broken);
        let told = found.iter().find(|finding| finding.contains(said));
        let Some(told) = told else { panic!("{object}{field} = {value}: {found:?}") };
        unbroken.retain(|promise| !told.contains(promise));
    }
    assert!(unbroken.is_empty(), "nothing breaks {unbroken:?}");
}

/// An object of that overlay, a field, a value that it must not have, and what is said then.
const BREACHES: &[(&str, &str, &str, &str)] = &[
    ("Service/gateway", "/metadata/labels", "{}", "no label"),
    ("Deployment/worker", "/spec/template/spec/containers/0/image", r#""a:2""#, "2 images"),
    ("Job/migrate-0.1.0", "/metadata/name", r#""migrate""#, "not named after the release 0.1.0"),
    (
        "Deployment/gateway",
        "/spec/template/spec/containers/0/securityContext/readOnlyRootFilesystem",
        "false",
        "it may write to its root",
    ),
    ("Deployment/worker", "/spec/template/spec/securityContext/runAsUser", "0", "as root"),
    ("Job/migrate-0.1.0", "/spec/template/spec/shareProcessNamespace", "false", "no share"),
    (
        "Deployment/worker",
        "/spec/template/spec/containers/0/resources/limits",
        r#"{"cpu": "1", "memroy": "3Gi"}"#,
        "no limit of memory",
    ),
    ("Deployment/worker", "/spec/template/spec/volumes/0/emptyDir", "{}", "no sizeLimit"),
    ("Deployment/gateway", "/spec/template/spec/containers/0/startupProbe", "null", "no startup"),
    (
        "Deployment/gateway",
        "/spec/template/spec/containers/0/livenessProbe/httpGet/path",
        r#""/readyz""#,
        "liveness probe does not ask /healthz",
    ),
    ("Deployment/worker", "/spec/template/spec/volumes", "[]", "index is not both"),
    (
        "Deployment/worker",
        "/spec/template/spec/containers/0/resources/limits/memory",
        r#""2Gi""#,
        "bytes of memory",
    ),
    (
        "Deployment/worker",
        "/spec/template/spec/terminationGracePeriodSeconds",
        "44",
        "44 s, and 0 s and 45 s are needed",
    ),
    (
        "Deployment/gateway",
        "/spec/template/spec/terminationGracePeriodSeconds",
        "59",
        "59 s, and 10 s and 50 s are needed",
    ),
    (
        "Deployment/gateway",
        "/spec/strategy/rollingUpdate/maxUnavailable",
        "1",
        "one goes before another is ready",
    ),
    (
        "Deployment/worker",
        "/spec/template/spec/containers/0/env/0/name",
        r#""ASSAY_DRAIN_GRACE""#,
        "ASSAY_DRAIN_GRACE is no setting",
    ),
    (
        "Deployment/gateway",
        "/spec/template/spec/containers/0/ports/1/containerPort",
        "9091",
        "ASSAY_ADMIN_LISTEN and the port admin differ",
    ),
    (
        "Service/gateway",
        "/spec/selector/app.kubernetes.io~1component",
        r#""gatewy""#,
        "it selects no pod",
    ),
    ("TriggerAuthentication/backlog", "/spec/secretTargetRef/0/key", r#""hots""#, "no Secret"),
    ("Ingress/gateway", "/spec/tls/0/secretName", r#""other""#, "no Secret other"),
    ("ServiceAccount/worker", "/metadata/name", r#""wroker""#, "no ServiceAccount"),
    ("Service/gateway", "/spec/ports/0/targetPort", r#""htpp""#, "no port htpp"),
    (
        "PodDisruptionBudget/worker",
        "/spec/selector/matchLabels/app.kubernetes.io~1component",
        r#""gateway""#,
        "no PodDisruptionBudget",
    ),
    ("ScaledObject/worker", "/spec/scaleTargetRef/name", r#""gateway""#, "is scaled twice"),
    (
        "ScaledObject/worker",
        "/spec/triggers/0/metadata/targetQueryValue",
        r#""9""#,
        "Some(9) jobs a worker that has Some(8)",
    ),
    (
        "ScaledObject/worker",
        "/spec/triggers/0/metadata/query",
        r#""SELECT 1 FROM jobs WHERE admitted LIMIT 1000""#,
        "no index is of the jobs that are `admitted`",
    ),
    ("ScaledObject/worker", "/spec/maxReplicaCount", "200", "it counts to 1000, not to Some(1600)"),
    ("NetworkPolicy/default-deny", "/spec/policyTypes", r#"["Ingress"]"#, "no policy denies"),
    (
        "NetworkPolicy/worker-to-models",
        "/spec/egress/0/to/0/ipBlock/except",
        r#"["169.254.0.0/17"]"#,
        "0.0.0.0/0 has 169.254.169.254",
    ),
    ("NetworkPolicy/worker-to-models", "/spec/egress/0/ports", "[]", "any peer, or any port"),
    (
        "NetworkPolicy/gateway-from-ingress",
        "/spec/ingress/0/from/0/podSelector",
        "{}",
        "more than one peer comes in",
    ),
    ("Ingress/gateway", "/metadata/annotations", "{}", "it asks nobody for a password"),
    ("Service/gateway", "/spec", r#"{"type": "NodePort"}"#, "goes round the Ingress"),
    (
        "Deployment/gateway",
        "/spec/template/spec/containers/0/env",
        r#"[{"name": "ASSAY_DATABASE_URL", "value": "postgres://db"}]"#,
        "it refuses to start",
    ),
    (
        "PodMonitor/fleet",
        "/spec/podMetricsEndpoints/0/port",
        r#""http""#,
        "it does not ask /metrics",
    ),
    (
        "PodMonitor/fleet",
        "/spec/selector/matchExpressions/0/values",
        r#"["gateway"]"#,
        "it does not ask Deployment/worker",
    ),
    (
        "NetworkPolicy/admin-from-prometheus",
        "/spec/ingress/0/ports/0/port",
        "8080",
        "lets anybody in",
    ),
    (
        "NetworkPolicy/admin-from-prometheus",
        "/spec/ingress/0/from/0/podSelector",
        "{}",
        "strangers may ask how it is",
    ),
    ("NetworkPolicy/to-collector", "/spec/egress/0/ports/0/port", "4317", "no policy leads to"),
];

#[test]
fn the_documentation_names_every_secret_that_is_to_be_brought() {
    let page = fs::read_to_string(repository().join("docs/kubernetes.md")).unwrap();
    for brought in rules::BROUGHT {
        for name in [&[brought.secret], brought.keys].concat() {
            assert!(page.contains(&format!("`{name}`")), "docs/kubernetes.md: no `{name}`");
        }
    }
}
