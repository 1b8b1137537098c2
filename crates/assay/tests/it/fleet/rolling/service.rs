//! What clients know of the gateways.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::GATEWAYS;
use crate::client::Client;

/// The gateways' addresses, which stay, and when one of them may be away.
pub(super) struct Service {
    clients: [Client; GATEWAYS],
    /// How often each gateway was stopped or was ready again: odd while it is replaced.
    changes: [AtomicUsize; GATEWAYS],
}

/// A gateway, as a client met it.
#[derive(Clone, Copy)]
pub(super) struct Meeting {
    pub(super) gateway: usize,
    changes: usize,
}

impl Service {
    pub(super) fn at(addresses: [SocketAddr; GATEWAYS]) -> Self {
        Self { clients: addresses.map(Client::of), changes: Default::default() }
    }

    /// Whoever comes `turn`th to the gateways, which are asked in turn.
    pub(super) fn meet(&self, turn: usize) -> (Meeting, &Client) {
        let gateway = turn % GATEWAYS;
        let changes = self.changes[gateway].load(Ordering::SeqCst);
        (Meeting { gateway, changes }, &self.clients[gateway])
    }

    pub(super) fn client(&self, gateway: usize) -> &Client {
        &self.clients[gateway]
    }

    /// A gateway is about to be stopped, or is ready.
    pub(super) fn changed(&self, gateway: usize) {
        self.changes[gateway].fetch_add(1, Ordering::SeqCst);
    }

    /// Asserts that a connection that was lost had a reason: that the gateway was being replaced.
    pub(super) fn assert_replaced_since(&self, meeting: Meeting, what: &str) {
        let Meeting { gateway, changes } = meeting;
        let now = self.changes[gateway].load(Ordering::SeqCst);
        let was_up = now == changes && now.is_multiple_of(2);
        assert!(!was_up, "gateway {gateway} lost a client without being stopped: {what}");
    }
}
