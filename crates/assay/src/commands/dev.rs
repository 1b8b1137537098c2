//! `assay dev`: the gateway and its workers in one process.

use std::net::TcpListener;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use api::Gateway;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::embedded::Embedded;
use crate::render;
use crate::system::Settings;

pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let listen = config.listen;
    if !listen.ip().is_loopback() {
        bail!("{listen} is not a loopback address, and this server asks nobody for a key");
    }
    let _telemetry = super::telemetry(&config, telemetry::SERVER_FILTER)?;
    let listener = TcpListener::bind(listen).with_context(|| format!("listening on {listen}"))?;
    let address = listener.local_addr()?;
    let embedded = Embedded::open(&config, Settings::of(&config))?;
    embedded.data_dir().announce(address)?;
    embedded.load_examples_if_empty().await?;
    let running = embedded.start();
    let data_dir = config.data_dir.display();
    render::line(&format!("assay listens on http://{address}, data in {data_dir}"));
    let stop = CancellationToken::new();
    let gateway = Gateway::new(embedded.system.jobs.clone(), api::Settings::default());
    let serving = gateway.run(listener, stop.clone());
    let mut serving = std::pin::pin!(serving);
    let served = tokio::select! {
        served = &mut serving => served,
        signal = terminated() => {
            signal?;
            tracing::info!("stopping: jobs that do not finish now go on at the next start");
            stop.cancel();
            serving.await
        }
    };
    running.stop().await;
    served.context("serving")?;
    Ok(ExitCode::SUCCESS)
}

/// Waits for SIGTERM or the interrupt key.
async fn terminated() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}
