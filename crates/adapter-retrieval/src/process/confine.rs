//! What a child gives up before it looks at a document.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The file by which a process says how willing it is to be ended when memory runs out.
#[cfg(target_os = "linux")]
const OOM_SCORE: &str = "/proc/self/oom_score_adj";

/// Limits this process for good: its memory, its CPU time, and that it opens and writes no file,
/// starts no thread or process and leaves no core dump. What it has stays. The superuser alone
/// can still start processes.
///
/// # Errors
/// The system's, if a limit cannot be set: nothing hostile is to be read then.
pub(super) fn confine(memory_bytes_max: u64, cpu_s_max: u64) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        // When the machine runs short, it is this process that ends, and not the one that started
        // it. To raise the own score is always allowed, but not everywhere possible.
        let _ = std::fs::write(OOM_SCORE, "1000");
        // No dump and no debugger: RLIMIT_CORE does not hold where dumps go to a program.
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
        lower(Resource::Nproc, 0, 0)?;
        lower(Resource::As, memory_bytes_max, memory_bytes_max)?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory_bytes_max;
    // SIGXCPU at the first limit tells the time that ran out from a kill by somebody else, which
    // is what the second one looks like.
    lower(Resource::Cpu, cpu_s_max, cpu_s_max.saturating_add(1))?;
    lower(Resource::Core, 0, 0)?;
    lower(Resource::Fsize, 0, 0)?;
    lower(Resource::Nofile, 0, 0)
}

/// Sets a limit, or keeps what is lower already.
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let now = getrlimit(resource);
    let maximum = now.maximum.map_or(hard, |maximum| maximum.min(hard));
    let current = now.current.map_or(soft, |current| current.min(soft)).min(maximum);
    Ok(setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })?)
}
