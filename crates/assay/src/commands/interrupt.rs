use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The interrupt key. From the moment it is watched it does not end the process any more.
pub(super) struct Interrupt(Signal);

impl Interrupt {
    /// Begins to watch it.
    ///
    /// # Errors
    /// If the system does not let this process.
    pub(super) fn watch() -> anyhow::Result<Self> {
        let watched = signal(SignalKind::interrupt());
        Ok(Self(watched.context("the interrupt key cannot be watched")?))
    }

    /// Waits until it is pressed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn pressed(&mut self) {
        self.0.recv().await;
    }
}
