//! Hostile files among good ones, through `assay ingest`.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use contracts::limits::DOCUMENT_PAGES_MAX;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use testkit::pdf::{PdfWriter, deflate};

use crate::process::PATIENCE;

/// What a page says.
const SAYS: &str = "Acme sold 1,234 anvils in 2021";
/// More than a reader may have.
const BOMB_BYTES: usize = 1_200_000_000;
/// What the process itself may take. Its readers have a limit of their own.
const MEMORY_KIB_MAX: u64 = 400_000;

/// Each hostile file with the reason that it fails for.
const REASONS: [(&str, &str); 8] = [
    ("truncated.pdf", "it is not readable as PDF: it ends early"),
    ("bomb.pdf", "bytes of memory to read"),
    ("twice-packed.pdf", "of memory to read"),
    ("encrypted.pdf", "it is encrypted, and opens with a password alone"),
    ("pictures.pdf", "it has no text"),
    ("long.pdf", "it has 3000 pages, at most 2000 are read"),
    ("program.pdf", "it is not readable as PDF"),
    ("huge.html", "the document has 60000000 bytes, at most 50000000 are read"),
];

#[test]
fn hostile_files_fail_each_with_its_reason_and_the_others_are_ingested() {
    let dir = tempfile::tempdir().unwrap();
    write_hostile(dir.path());
    std::fs::write(dir.path().join("good.pdf"), PdfWriter::of_pages([&[SAYS][..]]).finish())
        .unwrap();
    let page = format!("<html><body><h1>Report</h1><p>{SAYS} 2022.</p></body></html>");
    std::fs::write(dir.path().join("good.html"), page).unwrap();

    let names = REASONS.map(|(name, _)| name);
    let (first, last) = names.split_at(4);
    let order = [first, &["good.pdf"], last, &["good.html"]].concat();
    let process = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["ingest", "--company", "Acme"])
        .args(order)
        .current_dir(dir.path())
        .env("ASSAY_DATA_DIR", dir.path().join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (process, peak_kib) = peak_memory(process);
    let output = process.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for (name, reason) in REASONS {
        let told = said.lines().any(|line| line.contains(name) && line.contains(reason));
        assert!(told, "{name}: {said}");
    }
    let ready = String::from_utf8_lossy(&output.stdout);
    assert!(ready.contains("good.pdf") && ready.contains("good.html"), "{ready}");
    assert_eq!(ready.lines().count(), 2, "{ready}");
    assert!(peak_kib < MEMORY_KIB_MAX, "{peak_kib} KiB");
}

fn write_hostile(dir: &Path) {
    let write = |name: &str, bytes: Vec<u8>| std::fs::write(dir.join(name), bytes).unwrap();
    let lines: &[&str] = &[SAYS];
    let sound = PdfWriter::of_pages([lines; 3]).finish();
    write("truncated.pdf", sound[..sound.len() / 2].to_vec());
    let packed = deflated_zeros(BOMB_BYTES);
    let twice = deflate(&packed);
    write("bomb.pdf", bomb("/Filter/FlateDecode", &packed));
    write("twice-packed.pdf", bomb("/Filter[/FlateDecode/FlateDecode]", &twice));
    let mut encrypted = PdfWriter::of_pages([lines]);
    let key = "00".repeat(32);
    let number = encrypted.object(format!("<</Filter/Standard/V 1/R 2/O<{key}>/U<{key}>/P -4>>"));
    encrypted.trailer = format!("/Encrypt {number} 0 R/ID[<01><01>]");
    write("encrypted.pdf", encrypted.finish());
    let mut pictures = PdfWriter::default();
    pictures.page("0 0 m 100 100 l S");
    write("pictures.pdf", pictures.finish());
    let pages = DOCUMENT_PAGES_MAX + 1_000;
    write("long.pdf", PdfWriter::of_pages(std::iter::repeat_n(lines, pages)).finish());
    let program = std::fs::read(env!("CARGO_BIN_EXE_assay")).unwrap();
    write("program.pdf", program[..1_000_000].to_vec());
    File::create(dir.join("huge.html")).unwrap().set_len(60_000_000).unwrap();
}

/// A document with a page whose content is this stream.
fn bomb(entries: &str, packed: &[u8]) -> Vec<u8> {
    let mut pdf = PdfWriter::of_pages([&[SAYS][..]]);
    let content = pdf.stream(entries, packed);
    pdf.page_of(content, "");
    pdf.finish()
}

/// So many zeros, deflated, without ever holding them.
fn deflated_zeros(count: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    let part = vec![0; 1_000_000];
    for _ in 0..count / part.len() {
        encoder.write_all(&part).unwrap();
    }
    encoder.finish().unwrap()
}

/// Waits for the end of a process, and says how much memory it had at the most.
fn peak_memory(mut process: Child) -> (Child, u64) {
    let status = format!("/proc/{}/status", process.id());
    let deadline = Instant::now() + PATIENCE;
    let mut peak_kib = 0;
    while process.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it does not end");
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let seen = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak_kib = peak_kib.max(seen.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(20));
    }
    (process, peak_kib)
}
