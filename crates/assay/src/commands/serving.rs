//! What the commands share that serve until they are told to stop.

use std::net::TcpListener;

use anyhow::{Context as _, bail};
use api::{Exposition, Gateway, Surface};
use engine::services::Jobs;
use telemetry::metrics;
use tokio_util::sync::CancellationToken;

use crate::config::{Anonymous, Config};
use crate::descriptors;

/// The listener of a gateway, in a process that may have as many connections as the system allows.
pub(super) fn listen(config: &Config) -> anyhow::Result<TcpListener> {
    descriptors::raise_limit();
    let address = config.listen;
    if !address.ip().is_loopback() && config.anonymous == Anonymous::Loopback {
        bail!(
            "{address} is not a loopback address, and this server asks nobody for a key: listen \
             on 127.0.0.1, or set ASSAY_ANONYMOUS=anywhere if only those reach it who may use it"
        );
    }
    TcpListener::bind(address).with_context(|| format!("listening on {address}"))
}

/// Serves clients on `listener` until SIGTERM or the interrupt key, and then drains.
pub(super) async fn serve(
    jobs: Jobs,
    listener: TcpListener,
    config: &Config,
) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let health = health(jobs.clone(), config, stop.clone())?;
    let gateway = Gateway::new(jobs, api::Settings::default());
    let mut serving = std::pin::pin!(gateway.run(listener, stop.clone()));
    let served = tokio::select! {
        served = &mut serving => served,
        signal = terminated() => {
            signal?;
            tracing::info!("stopping");
            stop.cancel();
            serving.await
        }
    };
    stop.cancel();
    health.await?;
    served.context("serving")
}

/// Tells how this process is, and what it measures, on the configured address, if there is one. It
/// is not ready from `stop` on, and goes on telling until what is returned is awaited: what drains
/// is looked at most.
pub(super) fn health(
    jobs: Jobs,
    config: &Config,
    stop: CancellationToken,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>> + use<>> {
    let listener = match config.admin_listen {
        Some(address) => {
            let listener = TcpListener::bind(address);
            Some(listener.with_context(|| format!("listening on {address}"))?)
        }
        None => None,
    };
    let (drains, end) = (stop.clone(), CancellationToken::new());
    let shown = metrics::process::observe_draining(move || drains.is_cancelled());
    let settings = api::Settings {
        surface: Surface::Health,
        exposition: Exposition::new(metrics::exposition),
        draining: Some(stop),
        threads: Some(1),
        ..api::Settings::default()
    };
    let serving = listener.map(|listener| {
        let gateway = Gateway::new(jobs, settings);
        tokio::spawn(gateway.run(listener, end.clone()))
    });
    Ok(async move {
        let _shown = shown;
        end.cancel();
        match serving {
            Some(serving) => serving.await?.context("serving health checks"),
            None => Ok(()),
        }
    })
}

/// Waits for SIGTERM or the interrupt key.
pub(super) async fn terminated() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}
