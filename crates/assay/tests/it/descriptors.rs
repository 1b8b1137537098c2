//! How many connections a server may have.

use std::process::Command;

use crate::process::Server;

#[test]
fn a_server_raises_its_limit_on_open_files_as_far_as_it_may() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -Sn 256; ulimit -Hn 3000; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_assay"))
        .args(["dev", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(dir.path())
        .env("ASSAY_LOG", "error");
    let server = Server::of(command);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let numbers: Vec<&str> = line.split_whitespace().take(2).collect();
    assert_eq!(numbers, ["3000", "3000"], "soft and hard");
}
