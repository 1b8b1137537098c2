//! The process beside the tests that starts and stops a server.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::USER;
use crate::{loopback, skip};

/// The process that starts and stops the server, and outlives the tests to clean up after them.
pub(super) struct Keeper {
    pub(super) dir: PathBuf,
    pub(super) port: u16,
    pipes: Mutex<Pipes>,
    // Not waited for: it ends after this process.
    _process: Child,
}

struct Pipes {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    /// Makes a folder with an empty database cluster, and a keeper for it.
    pub(super) fn start(programs: &Path) -> Option<Self> {
        let arguments = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--username", USER];
        Self::of(programs, "initdb", &arguments)
    }

    /// Makes a folder with a base backup of the server at this URL, and a keeper for it.
    pub(super) fn from_backup(programs: &Path, url: &str) -> Option<Self> {
        let arguments = ["--wal-method=stream", "--checkpoint=fast", "--dbname", url];
        Self::of(programs, "pg_basebackup", &arguments)
    }

    /// Makes a folder whose data this program puts there, and a keeper for it.
    fn of(programs: &Path, filler: &str, arguments: &[&str]) -> Option<Self> {
        let Some(user) = as_user() else {
            skip("PostgreSQL does not run as root, and there is no user `postgres` to run it as");
            return None;
        };
        let dir = folder(&user);
        let mut filling = user.command(&programs.join(filler));
        filling.args(arguments).args(["--no-sync", "--pgdata"]).arg(dir.join("data"));
        let filled = filling.current_dir(&dir).output().expect("PostgreSQL's programs run");
        assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
        let [port] = loopback::ports();
        let mut process = Command::new("sh")
            .args(["-c", include_str!("keeper.sh"), "keeper"])
            .arg(&dir)
            .args(&user.prefix)
            .arg(programs.join("postgres"))
            .args(settings(&dir, port))
            .current_dir(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C ends the tests, and the end of the tests ends the keeper.
            .process_group(0)
            .spawn()
            .expect("sh runs");
        let orders = process.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        let pipes = Mutex::new(Pipes { orders, answers });
        Some(Self { dir, port, pipes, _process: process })
    }

    /// Gives an order, and waits until it was carried out.
    pub(super) fn order(&self, order: &str) {
        let mut pipes = self.pipes.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(pipes.orders, "{order}").expect("the keeper listens");
        let mut answer = String::new();
        pipes.answers.read_line(&mut answer).expect("the keeper answers");
        assert_eq!(answer.trim(), order);
    }

    /// Whether the server answers.
    pub(super) fn is_ready(&self, programs: &Path) -> bool {
        let (port, dir) = (self.port.to_string(), self.dir.display().to_string());
        let mut ready = Command::new(programs.join("pg_isready"));
        let ready = ready.args(["--quiet", "--port", &port, "--host", &dir]).status();
        ready.is_ok_and(|status| status.success())
    }

    /// What the server has to say.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

/// How to run a program as somebody whom the server accepts.
struct AsUser {
    prefix: Vec<&'static str>,
}

impl AsUser {
    fn command(&self, program: &Path) -> Command {
        match self.prefix.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        }
    }
}

fn as_user() -> Option<AsUser> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !is_root {
        return Some(AsUser { prefix: Vec::new() });
    }
    let ways: [&[&'static str]; 2] = [
        &["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"],
        &["runuser", "-u", "postgres", "--"],
    ];
    ways.into_iter().map(|prefix| AsUser { prefix: prefix.to_vec() }).find(|user| {
        let tried = user.command(Path::new("true")).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    })
}

/// A new folder, in memory if the system has a place for that.
fn folder(user: &AsUser) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    let parent = parent.to_str().expect("a plain path");
    let made = user
        .command(Path::new("mktemp"))
        .args(["--directory", "--tmpdir", "assay-postgres-XXXXXXXX"])
        .env("TMPDIR", parent)
        .output()
        .expect("mktemp runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    PathBuf::from(String::from_utf8_lossy(&made.stdout).trim())
}

fn settings(dir: &Path, port: u16) -> Vec<String> {
    let (data, dir) = (dir.join("data").display().to_string(), dir.display());
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={dir}"),
        "max_connections=400".to_owned(),
        "shared_buffers=64MB".to_owned(),
    ];
    let settings = settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]);
    ["-D".to_owned(), data].into_iter().chain(settings).collect()
}
