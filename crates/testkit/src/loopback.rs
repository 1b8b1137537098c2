//! Addresses of loopback that mean what a test takes them for, whoever else uses the machine.
//!
//! The port of a socket that was closed can be given to anybody in the next moment, and a client
//! that calls it meets a stranger, or even itself. So a port where nobody answers is held while it
//! is needed ([`ClosedPort`]), and one that is listened on later, or again, comes from where the
//! system takes none of its own ([`ports`], [`addresses`]).

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpSocket;

/// Below the ports that Linux gives to whoever asks for any: while a server is down, no client is
/// given one of its ports, and none connects to itself.
const FIRST: usize = 20_000;
const PORTS: usize = 12_000;
const TRIES: usize = 200;
/// How many connections wait to be accepted.
const BACKLOG: u32 = 1024;

/// A port that refuses every connection, and that nobody else is given while this is held.
pub struct ClosedPort {
    /// Bound, and so taken, but not listening.
    socket: TcpSocket,
    address: SocketAddr,
}

impl ClosedPort {
    /// Any port.
    ///
    /// # Panics
    /// If none is free.
    #[must_use]
    pub fn any() -> Self {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port of loopback")
    }

    /// The port of this address, which nobody listens on.
    ///
    /// # Errors
    /// If somebody does.
    pub fn at(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // Connections of whoever listened here before may still be on their way out.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        // Whoever does not insist on a port of its own could be joined by others.
        socket.set_reuseaddr(false)?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address })
    }

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes connections from now on; nobody else could come between.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn open(self) -> io::Result<tokio::net::TcpListener> {
        self.socket.set_reuseaddr(true)?;
        self.socket.listen(BACKLOG)
    }
}

/// As many ports in a row, which nobody listens on and which this process gives to nobody else.
///
/// # Panics
/// If there are none after many tries.
#[must_use]
pub fn ports<const N: usize>() -> [u16; N] {
    static GIVEN: AtomicUsize = AtomicUsize::new(0);
    let found = (0..TRIES).find_map(|_| {
        let given = GIVEN.fetch_add(N, Ordering::Relaxed);
        let first = FIRST + (begin() + given) % PORTS;
        let ports = std::array::from_fn(|n| u16::try_from(first + n).expect("a port"));
        ports.iter().all(|port| is_free(*port)).then_some(ports)
    });
    found.expect("free ports in a row")
}

/// The same, as addresses.
///
/// # Panics
/// As [`ports`].
#[must_use]
pub fn addresses<const N: usize>() -> [SocketAddr; N] {
    ports().map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// Where this process begins to look: far from where the next one does.
fn begin() -> usize {
    const APART: usize = 97;
    std::process::id() as usize * APART
}

/// Whether a server could listen there.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_closed_port_refuses_and_is_nobody_elses_until_it_is_opened() {
        let closed = ClosedPort::any();
        let address = closed.address();
        let connect = |address| TcpStream::connect(address).map(drop).map_err(|error| error.kind());
        assert_eq!(connect(address), Err(ErrorKind::ConnectionRefused));
        assert_eq!(TcpListener::bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
        let opened = closed.open().unwrap();
        assert_eq!(connect(address), Ok(()));
        // It may be closed again, though a connection of its is not yet forgotten.
        let (accepted, _) = opened.accept().await.unwrap();
        drop((accepted, opened));
        let closed = ClosedPort::at(address).unwrap();
        assert_eq!(connect(address), Err(ErrorKind::ConnectionRefused));
        closed.open().unwrap();
    }

    #[test]
    fn ports_in_a_row_are_given_once() {
        let [first, second, third] = ports();
        assert_eq!([second, third], [first + 1, first + 2]);
        let [next] = ports();
        assert!(!(first..=third).contains(&next));
    }
}
