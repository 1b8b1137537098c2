//! A reader of documents that breaks down in the way that the name says by which it is called. The
//! tests of the process that reads documents call it by such names; it is no part of the product.

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::thread;

use adapter_retrieval::{ReaderLimits, ReaderProcess, serve_document};
use engine::ports::{DocumentReader as _, MediaType, ReadDocument, ReadError};

fn main() -> ExitCode {
    // These do not come as far as to serve.
    match name().as_str() {
        "deaf" => park(),
        "mute" => return ExitCode::SUCCESS,
        "refusing" => return ExitCode::from(7),
        "gibberish" => return say(b"{\"Ok\": 1}"),
        "half" => return say(b"{\"Ok\": {\"pages\": 1, \"passages\": ["),
        "asking" => return ask(),
        "chatter" => while say(&[b' '; 65_536]) == ExitCode::SUCCESS {},
        _ => {}
    }
    match serve_document(read) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn name() -> String {
    let program = std::env::args().next().unwrap_or_default();
    program.rsplit('/').next().unwrap_or_default().to_owned()
}

fn say(bytes: &[u8]) -> ExitCode {
    match std::io::stdout().write_all(bytes).and_then(|()| std::io::stdout().flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Has a document read by the reader that its argument names, says how that ended, and the most
/// memory that it took itself, in KiB.
fn ask() -> ExitCode {
    let own = std::env::args().next().map(PathBuf::from).unwrap_or_default();
    let program = own.with_file_name(std::env::args().nth(1).unwrap_or_default());
    let reader = ReaderProcess::new(program, ReaderLimits::default());
    let Ok(runtime) = tokio::runtime::Runtime::new() else { return ExitCode::FAILURE };
    let read = runtime.block_on(reader.read(b"text".to_vec(), MediaType::Text));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    say(format!("{} {read:?}", peak.unwrap_or_default().trim()).as_bytes())
}

fn read(bytes: &[u8], media_type: MediaType) -> Result<ReadDocument, ReadError> {
    match name().as_str() {
        "panicking" => panic!("there is no page {}\nand no page before it", bytes.len()),
        "deep" => overflow(0),
        "spinning" => spin(),
        "hungry" => hoard(),
        "idle" => park(),
        "faulting" => fault(),
        "aborting" => std::process::abort(),
        "leaving" => std::process::exit(0),
        "complaining" => complain(),
        "surroundings" => return Err(surroundings()),
        _ => {}
    }
    adapter_retrieval::read(bytes, media_type)
}

fn park() -> ! {
    loop {
        thread::park();
    }
}

#[expect(unconditional_recursion, reason = "it is to overflow the stack")]
fn overflow(depth: u64) {
    let frame = black_box([depth; 512]);
    overflow(depth + 1);
    black_box(frame);
}

fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

fn hoard() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Ends as a wrong access to memory does. The first signal goes to Rust's own handler, which
/// leaves the next one to the system.
fn fault() -> ! {
    loop {
        let own = rustix::process::getpid();
        let _ = rustix::process::kill_process(own, rustix::process::Signal::SEGV);
    }
}

/// More than any pipe holds.
fn complain() {
    for _ in 0..100 {
        let _ = std::io::stderr().write_all(&[b'!'; 65_536]);
    }
    let _ = std::io::stdout().write_all(b"printed where the answer goes");
}

/// What a reader can reach.
fn surroundings() -> ReadError {
    let folder = std::env::current_dir().unwrap_or_default();
    let variables = std::env::vars_os().count();
    let opens = File::open("/proc/self/status").is_ok();
    let starts = Command::new("/bin/true").spawn().is_ok();
    let found = format!("{} {variables} opens={opens} starts={starts}", folder.display());
    ReadError::malformed("surroundings", found)
}
