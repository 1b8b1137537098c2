//! What objects are called.

use crate::manifests::document::Rendered;
use crate::manifests::pod::Workload;

const NAME: &str = "app.kubernetes.io/name";
const PART_OF: &str = "app.kubernetes.io/part-of";
const VERSION: &str = "app.kubernetes.io/version";

pub(super) fn labels(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    for document in &rendered.documents {
        let labels = document.map("/metadata/labels");
        // What is generated has the labels of its kustomization alone.
        let is_generated = ["ConfigMap", "Secret"].contains(&document.kind.as_str());
        if !is_generated && !labels.contains_key(NAME) {
            found.push(format!("{}: no label {NAME}", document.title()));
        }
        if labels.get(PART_OF).is_none_or(|part_of| part_of != "assay") {
            found.push(format!("{}: no label {PART_OF} that says assay", document.title()));
        }
        if !is_host_name(&document.name) {
            found.push(format!("{}: no name that a host may have", document.title()));
        }
    }
    found
}

/// RFC 1123, as Kubernetes reads it.
fn is_host_name(name: &str) -> bool {
    let is_edge = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.first().is_some_and(is_edge)
            && bytes.last().is_some_and(is_edge)
            && bytes.iter().all(|byte| is_edge(byte) || *byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

pub(super) fn releases(rendered: &Rendered) -> Vec<String> {
    if !rendered.is_applied() {
        return Vec::new();
    }
    let mut found = Vec::new();
    let ours = rendered.ours();
    let mut images: Vec<&str> = ours.iter().flat_map(images_of).collect();
    images.sort_unstable();
    images.dedup();
    let [image] = images[..] else {
        return vec![format!("Assay runs from {} images: {}", images.len(), images.join(", "))];
    };
    let Some(release) = tag(image) else {
        return vec![format!("{image}: no tag, or one that moves")];
    };
    for workload in &ours {
        let title = workload.document.title();
        let labels = [workload.document.map("/metadata/labels"), workload.labels.clone()];
        if labels.iter().any(|labels| labels.get(VERSION).is_none_or(|label| label != release)) {
            found.push(format!("{title}: no label {VERSION} that says {release}"));
        }
        if workload.component() == "migrate"
            && workload.document.name != format!("migrate-{release}")
        {
            found.push(format!("{title}: not named after the release {release}"));
        }
    }
    let all = rendered.workloads();
    let moving = all.iter().flat_map(images_of).filter(|image| tag(image).is_none());
    found.extend(moving.map(|image| format!("{image}: no tag, or one that moves")));
    found
}

fn images_of<'w>(workload: &'w Workload<'_>) -> impl Iterator<Item = &'w str> {
    workload.containers().map(|container| container.image.as_str())
}

fn tag(image: &str) -> Option<&str> {
    // A colon before the last slash parts a registry's host from its port.
    let (_, tag) = image.rsplit('/').next().unwrap_or(image).split_once(':')?;
    (!["", "latest"].contains(&tag)).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_tag_are_told_from_what_is_none() {
        for name in ["gateway", "migrate-0.1.0", "0"] {
            assert!(is_host_name(name), "{name}");
        }
        for name in ["", "Gateway", "migrate-", "a..b", "a/b", "-a"] {
            assert!(!is_host_name(name), "{name}");
        }
        assert_eq!(tag("localhost:5000/assay:0.1.0"), Some("0.1.0"));
        for image in ["assay", "localhost:5000/assay", "assay:latest", "assay:"] {
            assert_eq!(tag(image), None, "{image}");
        }
    }
}
