//! `assay health`: whether the gateway or worker beside it is ready.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use reqwest::Client;
use serde::Deserialize;

use crate::config::Config;
use crate::exit::say;
use crate::render;

/// From the connection to the answer. The process gives its database 2 s.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What a process that is not ready says.
#[derive(Deserialize)]
struct NotReady {
    failing: String,
}

pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let address = config.admin_listen.context("nobody tells: set ASSAY_ADMIN_LISTEN")?;
    // It is on this machine, and not encrypted: neither a proxy nor root certificates are needed.
    let client = Client::builder().no_proxy().timeout(ANSWER_MAX);
    #[cfg(feature = "https")]
    let client = client.tls_certs_only([]);
    let client = client.build()?;
    let url = format!("http://{}/readyz", reachable(address));
    let answer = client.get(url).send().await.context("it does not answer")?;
    if answer.status().is_success() {
        render::line("ready");
        return Ok(ExitCode::SUCCESS);
    }
    let status = answer.status();
    let NotReady { failing } = answer.json().await.with_context(|| format!("it says {status}"))?;
    say(&format!("not ready: {}", render::one_line(&failing)));
    Ok(ExitCode::FAILURE)
}

/// Where a process that listens on `address` is reached from this machine.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
            address.set_ip(Ipv4Addr::LOCALHOST.into())
        }
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            address.set_ip(Ipv6Addr::LOCALHOST.into())
        }
        SocketAddr::V4(_) | SocketAddr::V6(_) => {}
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_listens_everywhere_is_asked_on_this_machine() {
        for (listens, asked) in [
            ("0.0.0.0:9090", "127.0.0.1:9090"),
            ("[::]:9090", "[::1]:9090"),
            ("10.0.0.7:9090", "10.0.0.7:9090"),
        ] {
            assert_eq!(reachable(listens.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
