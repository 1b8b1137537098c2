//! Programs that end when this process does.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Runs its arguments in a process group of their own until its stdin ends, which it does when the
/// process at the other end closes it or is gone. Then it kills the group, and deletes the folder
/// named first unless that is empty; another program may be writing there for its last moment.
const SCRIPT: &str = r#"
folder=$1; shift
setsid "$@" </dev/null &
group=$!
read -r _
kill -s KILL -- "-$group"
wait
[ -n "$folder" ] || exit 0
for _ in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf -- "$folder" 2>/dev/null && exit 0
    sleep 0.2
done
"#;

/// A program on a leash: dropped, it is killed with all that it started.
pub(super) struct Leash {
    shell: Child,
}

impl Leash {
    /// Starts `program`, which keeps its environment and its output. `folder` is deleted when it
    /// has ended.
    pub(super) fn start(program: &Command, folder: Option<&Path>) -> io::Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "leash"]).arg(folder.unwrap_or(Path::new("")));
        shell.arg(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        // In a group of its own, so that a Ctrl-C at the terminal does not end it too early.
        shell.process_group(0).stdin(Stdio::piped());
        shell.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self { shell: shell.spawn()? })
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // A shell that cannot be waited for is gone.
        let _ = self.shell.wait();
    }
}
