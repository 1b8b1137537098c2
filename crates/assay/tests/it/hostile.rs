//! Hostile documents, read by the binary itself.

use std::time::{Duration, Instant};

use adapter_retrieval::{ReaderLimits, ReaderProcess};
use contracts::limits::DOCUMENT_BYTES_MAX;
use engine::ports::{DocumentReader as _, MediaType, ReadError};

use crate::process::PATIENCE;

const TEXT: &str = "Acme sold 1,234 anvils in 2021.";

fn reader(limits: ReaderLimits) -> ReaderProcess {
    ReaderProcess::new(env!("CARGO_BIN_EXE_assay").into(), limits)
}

/// Documents that are not what they are said to be, or meant to break what reads them.
fn hostile() -> Vec<Vec<u8>> {
    let program = std::fs::read(env!("CARGO_BIN_EXE_assay")).unwrap();
    let noise = (0..1_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8);
    vec![
        Vec::new(),
        program[..1_000_000].to_vec(),
        noise.collect(),
        vec![b' '; 1_000_000],
        b"<div>".repeat(200_000),
        b"<table><tr><td>".repeat(50_000),
        [b"%PDF-1.7\n1 0 obj\n".to_vec(), b"[".repeat(1_000_000)].concat(),
        [b"%PDF-1.7\n1 0 obj\n".to_vec(), b"<</A".repeat(250_000)].concat(),
    ]
}

#[tokio::test]
async fn a_hostile_document_costs_itself_alone() {
    let wall_max = Duration::from_secs(20);
    let reader = reader(ReaderLimits { wall_max, ..ReaderLimits::default() });
    for media_type in MediaType::ALL {
        for (n, bytes) in hostile().into_iter().enumerate() {
            let begun = Instant::now();
            if let Err(ReadError::Unavailable(why)) = reader.read(bytes, media_type).await {
                unreachable!("document {n} as {}: {why}", media_type.as_str());
            }
            assert!(begun.elapsed() < PATIENCE, "document {n} as {}", media_type.as_str());
        }
        let read = reader.read(TEXT.into(), MediaType::Text).await.unwrap();
        assert_eq!(read.passages[0].text, TEXT);
    }
}

#[tokio::test]
async fn a_document_that_takes_too_much_memory_costs_itself_alone() {
    let max_bytes = 256 << 20;
    let reader = reader(ReaderLimits { memory_bytes_max: max_bytes, ..ReaderLimits::default() });
    let hungry = "Sales rose.\n\n".repeat(DOCUMENT_BYTES_MAX / 13).into_bytes();
    let read = reader.read(hungry, MediaType::Text).await;
    assert_eq!(read, Err(ReadError::TooMuchMemory { max_bytes }));
    assert!(reader.read(TEXT.into(), MediaType::Text).await.is_ok());
}

#[tokio::test]
async fn the_largest_text_is_read_within_the_limits() {
    let sentence = "Sales of anvils rose by 12.5 % to 1,234 in 2021, as in the years before.\n";
    let text = sentence.repeat(DOCUMENT_BYTES_MAX / sentence.len());
    // Memory and CPU time are as for everybody; the clock has regard for a busy machine.
    let limits = ReaderLimits { wall_max: 10 * PATIENCE, ..ReaderLimits::default() };
    let read = reader(limits).read(text.into_bytes(), MediaType::Text).await;
    let bytes: usize = read.unwrap().passages.iter().map(|passage| passage.text.len()).sum();
    assert!(bytes > DOCUMENT_BYTES_MAX - DOCUMENT_BYTES_MAX / 10, "{bytes}");
}

#[test]
fn the_subcommand_for_it_is_shown_to_nobody_and_reads_nothing_else() {
    let assay = || std::process::Command::new(env!("CARGO_BIN_EXE_assay"));
    let help = assay().arg("--help").output().unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("read-document"));
    let alone = assay().arg("read-document").stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(alone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&alone.stderr).contains("no document on standard input"));
}
