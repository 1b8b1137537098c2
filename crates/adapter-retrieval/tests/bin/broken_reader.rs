//! A reader of documents that breaks down in the way that the name says by which it is called. The
//! tests of the process that reads documents call it by such names; it is no part of the product.

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::process::{Command, ExitCode};
use std::thread;

use adapter_retrieval::serve_document;
use engine::ports::{MediaType, ReadDocument, ReadError};

fn main() -> ExitCode {
    // These do not come as far as to serve.
    match name().as_str() {
        "deaf" => park(),
        "mute" => return ExitCode::SUCCESS,
        "refusing" => return ExitCode::from(7),
        "gibberish" => return say(b"{\"Ok\": 1}"),
        "half" => return say(b"{\"Ok\": {\"pages\": 1, \"passages\": ["),
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

fn read(bytes: &[u8], media_type: MediaType) -> Result<ReadDocument, ReadError> {
    match name().as_str() {
        "panicking" => panic!("there is no page {}\nand no page before it", bytes.len()),
        "deep" => overflow(0),
        "spinning" => spin(),
        "hungry" => hoard(),
        "idle" => park(),
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
