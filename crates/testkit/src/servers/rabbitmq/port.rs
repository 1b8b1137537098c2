//! Free ports for a server that must come back on the same ones.

use std::net::{Ipv4Addr, TcpListener};

/// Below the ports that Linux gives to outgoing connections: while the server is down, no client
/// is given one of its ports, and none connects to itself.
const FIRST: u16 = 20_000;
const LAST: u16 = 31_990;
const TRIES: u16 = 200;

/// As many ports in a row that nobody listens on, or an error after many tries. `seed` chooses
/// where the search begins.
pub(super) fn free<const N: usize>(seed: u32) -> Option<[u16; N]> {
    let stride = u16::try_from(N).ok()?;
    let places = (LAST - FIRST) / stride;
    let begin = u16::try_from(seed % u32::from(places)).ok()?;
    (0..TRIES).find_map(|attempt| {
        let first = FIRST + (begin + attempt) % places * stride;
        let ports = std::array::from_fn(|n| first + u16::try_from(n).unwrap_or(0));
        ports.iter().all(|port| is_free(*port)).then_some(ports)
    })
}

/// Whether a server could listen there.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
