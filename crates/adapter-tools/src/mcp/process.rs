use std::process::Stdio;

use rmcp::service::{RoleClient, RunningService, ServiceExt as _};
use rmcp::transport::async_rw::AsyncRwTransport;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use super::limited::{Allowance, Limited};
use crate::McpSettings;

/// Bytes that a process may write to say who it is, or what it has.
const GREETING_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes beside a call's answer: its envelope, and what the process has to say meanwhile.
const BESIDE_BYTES_MAX: usize = 64 * 1024;

/// A server's process, with the one conversation over its standard input and output.
pub(super) struct Process {
    service: RunningService<RoleClient, ()>,
    allowance: Allowance,
    // Dropped last: it ends the process.
    _leash: Leash,
}

/// Why a process does not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("it cannot be started: {0}")]
    Spawn(#[from] std::io::Error),
    #[error("it does not speak the Model Context Protocol: {0}")]
    Greeting(#[from] Box<rmcp::service::ClientInitializeError>),
}

impl Process {
    /// Starts the process and greets it.
    ///
    /// # Cancel safety
    /// A dropped start ends the process.
    pub(super) async fn start(settings: &McpSettings) -> Result<Self, StartError> {
        let McpSettings { command, args, env, .. } = settings;
        let mut child = Command::new(command)
            .args(args)
            // It knows of our environment what it was given alone: keys are in there.
            .env_clear()
            .envs(env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pipes = child.stdout.take().zip(child.stdin.take());
        let leash = Leash(child);
        let no_pipe = || std::io::Error::other("it has no standard input and output");
        let (stdout, stdin) = pipes.ok_or_else(no_pipe)?;
        let allowance = Allowance::default();
        allowance.renew(GREETING_BYTES_MAX);
        let reader = Limited::new(stdout, allowance.clone());
        // One line may be as long as all that is allowed: the allowance bounds it.
        let transport = AsyncRwTransport::new_client(reader, stdin);
        let service = ().serve(transport).await.map_err(Box::new)?;
        Ok(Self { service, allowance, _leash: leash })
    }

    /// The conversation, for a call whose answer has so many bytes at the most.
    pub(super) fn for_answer_of(&self, bytes: usize) -> &RunningService<RoleClient, ()> {
        // What is written as JSON may take twice as much.
        self.allowance.renew(2 * bytes + BESIDE_BYTES_MAX);
        &self.service
    }

    /// The conversation, to ask what there is.
    pub(super) fn for_listing(&self) -> &RunningService<RoleClient, ()> {
        self.allowance.renew(GREETING_BYTES_MAX);
        &self.service
    }

    /// Whether it can be called again.
    pub(super) fn is_alive(&self) -> bool {
        !self.service.is_closed() && !self.has_said_too_much()
    }

    /// Whether it wrote more than it may.
    pub(super) fn has_said_too_much(&self) -> bool {
        self.allowance.is_used_up()
    }
}

/// Ends a process with everything that it has started.
struct Leash(Child);

impl Drop for Leash {
    fn drop(&mut self) {
        // A process that was waited for has no id any more: somebody else may have it.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = id.and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
