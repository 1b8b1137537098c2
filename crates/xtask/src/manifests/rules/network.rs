//! Who reaches whom.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;

use crate::manifests::document::{Document, Rendered};
use crate::manifests::pod::Selector;

/// Where the machines of clouds tell what they are and who they may be.
const METADATA: [&str; 4] = ["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254"];
/// Names the list of those who may use the service.
const PASSWORDS: &str = "nginx.org/basic-auth-secret";
/// What the Ingress says to its controller, which does not tell of a name that it does not know.
const ANNOTATIONS: [&str; 8] = [
    PASSWORDS,
    "nginx.org/basic-auth-realm",
    "nginx.org/client-max-body-size",
    "nginx.org/proxy-buffering",
    "nginx.org/proxy-connect-timeout",
    "nginx.org/proxy-read-timeout",
    "nginx.org/proxy-send-timeout",
    "nginx.org/websocket-services",
];

/// One side of a connection that a policy allows.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Peer {
    pub(super) pod_selector: Option<Selector>,
    pub(super) namespace_selector: Option<Selector>,
    ip_block: Option<Block>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Block {
    cidr: String,
    except: Vec<String>,
}

/// What a policy allows in one direction: `None` for the peers means everybody.
struct Allowed {
    peers: Option<Vec<Peer>>,
    ports: usize,
}

fn allowed(document: &Document, direction: &str, side: &str) -> Vec<Allowed> {
    let rules: Vec<Value> = document.at(&format!("/spec/{direction}")).unwrap_or_default();
    let of = |rule: &Value| Allowed {
        peers: rule.get(side).and_then(|peers| Vec::deserialize(peers).ok()),
        ports: rule.get("ports").and_then(Value::as_array).map_or(0, Vec::len),
    };
    rules.iter().map(of).collect()
}

/// The peers of those rules of one direction that are about a port. A rule without ports is about
/// every port, and one without peers is left to the rule that refuses it.
pub(super) fn peers_of(rules: &[Value], side: &str, is_it: impl Fn(&Value) -> bool) -> Vec<Peer> {
    let is_meant = |rule: &&Value| match rule.get("ports").and_then(Value::as_array) {
        Some(ports) => ports.iter().filter_map(|port| port.get("port")).any(&is_it),
        None => true,
    };
    let peers = rules.iter().filter(is_meant).filter_map(|rule| rule.get(side));
    peers.filter_map(|peers| Vec::<Peer>::deserialize(peers).ok()).flatten().collect()
}

fn all_allowed(document: &Document) -> Vec<Allowed> {
    let mut all = allowed(document, "ingress", "from");
    all.extend(allowed(document, "egress", "to"));
    all
}

/// Everybody whom a policy names.
pub(super) fn peers(document: &Document) -> Vec<Peer> {
    all_allowed(document).into_iter().filter_map(|allowed| allowed.peers).flatten().collect()
}

pub(super) fn closed(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    let denies_all = |document: &Document| {
        let selector: Option<Selector> = document.at("/spec/podSelector");
        let types: Vec<String> = document.at("/spec/policyTypes").unwrap_or_default();
        selector.is_some_and(|selector| selector.is_everything())
            && ["Ingress", "Egress"].iter().all(|direction| types.iter().any(|t| t == direction))
            && all_allowed(document).is_empty()
    };
    if !rendered.of_kind("NetworkPolicy").any(denies_all) {
        found.push("no policy denies everything to everybody".to_owned());
    }
    for document in rendered.of_kind("NetworkPolicy") {
        for allowed in all_allowed(document) {
            let open = allowed.peers.is_none_or(|peers| peers.is_empty());
            if open || allowed.ports == 0 {
                found.push(format!("{}: it allows any peer, or any port", document.title()));
            }
        }
        let types: Vec<String> = document.at("/spec/policyTypes").unwrap_or_default();
        for (direction, field) in [("Ingress", "/spec/ingress"), ("Egress", "/spec/egress")] {
            let has_rules = document.value.pointer(field).is_some();
            if has_rules && !types.iter().any(|t| t == direction) {
                found.push(format!("{}: its {direction} is not in force", document.title()));
            }
        }
    }
    found
}

pub(super) fn metadata(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    for document in rendered.of_kind("NetworkPolicy") {
        for block in peers(document).into_iter().filter_map(|peer| peer.ip_block) {
            for address in METADATA {
                let is_excepted = block.except.iter().any(|except| contains(except, address));
                if contains(&block.cidr, address) && !is_excepted {
                    found.push(format!("{}: {} has {address}", document.title(), block.cidr));
                }
            }
        }
    }
    found
}

/// Whether a network has an address. One that cannot be read has every address.
fn contains(network: &str, address: &str) -> bool {
    let Some((first, length)) = network.split_once('/') else { return true };
    let (Ok(first), Ok(address)) = (first.parse::<IpAddr>(), address.parse::<IpAddr>()) else {
        return true;
    };
    let Ok(length) = length.parse::<u32>() else { return true };
    let same = |first: u128, address: u128, bits: u32| {
        let shift = bits.saturating_sub(length);
        shift >= bits || first >> shift == address >> shift
    };
    match (first, address) {
        (IpAddr::V4(first), IpAddr::V4(address)) => {
            same(u128::from(first.to_bits()), u128::from(address.to_bits()), 32)
        }
        (IpAddr::V6(first), IpAddr::V6(address)) => same(first.to_bits(), address.to_bits(), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

pub(super) fn gateways(rendered: &Rendered) -> Vec<String> {
    let ours = rendered.ours();
    let gateways: Vec<_> = ours.iter().filter(|w| w.component() == "gateway").collect();
    let mut found = Vec::new();
    for gateway in &gateways {
        let mut values = gateway.containers().map(|container| container.environment(rendered));
        if !values.any(|values| values.get("ASSAY_ANONYMOUS").is_some_and(|who| who == "anywhere"))
        {
            // The base leaves it to an overlay to say so.
            if rendered.is_applied() {
                found.push(format!("{}: it refuses to start", gateway.document.title()));
            }
            continue;
        }
        for document in rendered.of_kind("NetworkPolicy") {
            let selector: Option<Selector> = document.at("/spec/podSelector");
            let is_meant = selector.is_some_and(|selector| selector.selects(&gateway.labels));
            let from = allowed(document, "ingress", "from").into_iter();
            let is_open = |peer: Peer| {
                peer.ip_block.is_some()
                    || peer.pod_selector.is_none_or(|pods| pods.is_everything())
                    || peer.namespace_selector.is_some_and(|spaces| spaces.is_everything())
            };
            if is_meant && from.filter_map(|allowed| allowed.peers).flatten().any(is_open) {
                found.push(format!("{}: more than one peer comes in", document.title()));
            }
        }
    }
    for document in rendered.of_kind("Service") {
        let kind = document.text("/spec/type");
        if !["", "ClusterIP"].contains(&kind) {
            found.push(format!("{}: a {kind} goes round the Ingress", document.title()));
        }
    }
    for document in rendered.of_kind("Ingress") {
        let annotations = document.map("/metadata/annotations");
        let title = document.title();
        if !annotations.contains_key(PASSWORDS) {
            found.push(format!("{title}: it asks nobody for a password"));
        }
        if annotations.get("nginx.org/proxy-buffering").is_none_or(|value| value != "False") {
            found.push(format!("{title}: it holds events back"));
        }
        let unknown = annotations.keys().filter(|name| !ANNOTATIONS.contains(&name.as_str()));
        found.extend(unknown.map(|name| format!("{title}: {name} is not known here")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn an_address_is_in_the_networks_that_have_it() {
        for (network, address) in [
            ("0.0.0.0/0", "169.254.169.254"),
            ("169.254.0.0/16", "169.254.169.254"),
            ("::/0", "fd00:ec2::254"),
            ("fc00::/7", "fd20:ce::254"),
            ("no network", "169.254.169.254"),
        ] {
            assert!(contains(network, address), "{network} {address}");
        }
        for (network, address) in [
            ("10.0.0.0/8", "169.254.169.254"),
            ("169.254.0.0/17", "169.254.169.254"),
            ("::/0", "169.254.169.254"),
            ("fe80::/10", "fd00:ec2::254"),
        ] {
            assert!(!contains(network, address), "{network} {address}");
        }
    }
}
