//! Processes of the program that is measured.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a process may take to be ready, or to end by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running process. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a process, waits for the line in which it says that it is ready, and returns what
    /// `read` finds there.
    pub(crate) async fn start<T>(
        mut command: Command,
        read: impl Fn(&str) -> Option<T>,
    ) -> anyhow::Result<(Self, T)> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().context("the program cannot be started")?;
        let out = child.stdout.take().context("its output is a pipe")?;
        let mut lines = BufReader::new(out).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(found) = read(&line) {
                    return anyhow::Ok(found);
                }
            }
            anyhow::bail!("the program ended before it was ready")
        };
        let found =
            timeout(PATIENCE, ready).await.context("the program is not ready in time")??;
        // Keeps the pipe empty, so that the process never waits for its reader. It ends with it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok((Self { child }, found))
    }

    /// The processor time that it has used so far, in ticks of 10 ms; 0 where the system does not
    /// tell it as Linux does.
    pub(crate) fn ticks(&self) -> u64 {
        let pid = self.child.id().unwrap_or_default();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name of the program may have spaces; what follows it does not. See proc(5): user and
        // system time are the 14th and the 15th field, and the name is the second.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let times = fields.split_whitespace().skip(11).take(2);
        times.filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
    }

    /// Runs a command to its end, which must be a good one.
    pub(crate) async fn run(mut command: Command) -> anyhow::Result<()> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        let status = timeout(PATIENCE, command.status()).await.context("it takes too long")??;
        ensure!(status.success(), "{status}");
        Ok(())
    }
}
