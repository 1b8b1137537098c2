//! Every way in which a child can end has its reason.

use std::time::{Duration, Instant};

use adapter_retrieval::{ReaderLimits, ReaderProcess};
use engine::ports::{DocumentReader as _, MediaType, ReadError};

use super::broken::{Broken, PATIENCE, roomy};

const TEXT: &str = "Acme sold 1,234 anvils.";

/// Reads with a reader that breaks down, and sees that nothing of it is left and that it took no
/// longer than it may.
async fn broken(way: &str, limits: ReaderLimits) -> ReadError {
    let reader = Broken::new(way, limits);
    let begun = Instant::now();
    let error = reader.read(TEXT).await.unwrap_err();
    assert!(begun.elapsed() < PATIENCE, "{way}: {:?}", begun.elapsed());
    assert_eq!(reader.processes(), Vec::<u32>::new(), "{way}");
    error
}

fn crashed(error: ReadError) -> String {
    let ReadError::Crashed(what) = error else { unreachable!("{error:?}") };
    what
}

#[tokio::test]
async fn a_child_reads_what_the_process_itself_would_read() {
    let limits = roomy();
    for text in [TEXT.to_owned(), "Sales rose in 2021.\n\n".repeat(100_000), String::new()] {
        let read = Broken::new("whole", limits).read(text.clone()).await;
        assert_eq!(read, adapter_retrieval::read(text.as_bytes(), MediaType::Text));
    }
}

#[tokio::test]
async fn a_panic_is_told_by_the_first_line_of_its_message() {
    assert_eq!(crashed(broken("panicking", roomy()).await), "there is no page 23");
}

#[tokio::test]
async fn a_stack_overflow_is_a_crash() {
    let what = crashed(broken("deep", roomy()).await);
    assert!(what.contains("stack overflow"), "{what}");
}

#[tokio::test]
async fn an_abort_and_a_fault_are_crashes() {
    let what = crashed(broken("aborting", roomy()).await);
    assert!(what.contains("SIGABRT"), "{what}");
    let what = crashed(broken("faulting", roomy()).await);
    assert!(what.contains("SIGSEGV"), "{what}");
}

#[tokio::test]
async fn more_memory_than_a_document_may_take_is_its_fault() {
    let max_bytes = 256 << 20;
    let limits = ReaderLimits { memory_bytes_max: max_bytes, ..roomy() };
    assert_eq!(broken("hungry", limits).await, ReadError::TooMuchMemory { max_bytes });
}

#[tokio::test]
async fn a_document_that_does_not_fit_into_the_memory_is_not_begun() {
    let max_bytes = 64 << 20;
    let reader = Broken::new("whole", ReaderLimits { memory_bytes_max: max_bytes, ..roomy() });
    let read = reader.read(vec![b'a'; 50_000_000]).await;
    assert_eq!(read, Err(ReadError::TooMuchMemory { max_bytes }));
}

#[tokio::test]
async fn more_cpu_time_than_a_document_may_take_is_its_fault() {
    let max = Duration::from_secs(1);
    let limits = ReaderLimits { cpu_max: max, ..roomy() };
    assert_eq!(broken("spinning", limits).await, ReadError::TooSlow { max });
}

#[tokio::test]
async fn a_child_that_does_nothing_is_ended_by_the_clock() {
    let max = Duration::from_millis(500);
    for way in ["idle", "deaf", "spinning"] {
        let limits = ReaderLimits { wall_max: max, ..roomy() };
        assert_eq!(broken(way, limits).await, ReadError::TooSlow { max }, "{way}");
    }
}

#[tokio::test]
async fn a_large_document_that_nobody_takes_is_ended_by_the_clock() {
    let max = Duration::from_millis(500);
    let reader = Broken::new("deaf", ReaderLimits { wall_max: max, ..roomy() });
    let read = reader.read(vec![b'a'; 10_000_000]).await;
    assert_eq!(read, Err(ReadError::TooSlow { max }));
    assert_eq!(reader.processes(), Vec::<u32>::new());
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let limits = ReaderLimits { answer_bytes_max: 10_000_000, ..roomy() };
    let refused = ReadError::TooMuchMemory { max_bytes: 10_000_000 };
    assert_eq!(broken("chatter", limits).await, refused);
}

#[tokio::test]
async fn an_end_without_an_answer_is_a_crash() {
    for (way, said) in [
        ("mute", "exit status: 0"),
        ("refusing", "exit status: 7"),
        ("leaving", "exit status: 0"),
        ("half", "its answer is none: EOF"),
        ("gibberish", "its answer is none: invalid type"),
    ] {
        let what = crashed(broken(way, roomy()).await);
        assert!(what.contains(said), "{way}: {what}");
    }
}

#[tokio::test]
async fn a_large_document_does_not_hold_up_a_child_that_ends_at_once() {
    let read = Broken::new("mute", roomy()).read(vec![b'a'; 10_000_000]).await;
    assert!(matches!(read, Err(ReadError::Crashed(_))), "{read:?}");
}

#[tokio::test]
async fn what_a_library_prints_is_no_part_of_the_answer() {
    let reader = Broken::new("complaining", roomy());
    let read = reader.read(TEXT).await.unwrap();
    assert_eq!(read.passages[0].text, TEXT);
}

#[tokio::test]
async fn a_reader_has_no_environment_and_can_open_nothing() {
    let ReadError::Malformed { reason, .. } = broken("surroundings", roomy()).await else {
        unreachable!("its answer is what it found");
    };
    assert!(reason.starts_with("/ 0 opens=false"), "{reason}");
    // The superuser is not bound by a limit to processes.
    let superuser = rustix::process::geteuid().is_root();
    assert!(superuser || reason.ends_with("starts=false"), "{reason}");
}

#[tokio::test]
async fn a_program_that_does_not_start_is_not_the_document_s_fault() {
    for program in ["/nonexistent/reader", "/etc/hostname", "/"] {
        let reader = ReaderProcess::new(program.into(), roomy());
        let read = reader.read(TEXT.into(), MediaType::Text).await;
        assert!(matches!(read, Err(ReadError::Unavailable(_))), "{program}: {read:?}");
    }
}
