//! Who was cut, as the gateway's log tells.
//!
//! A reader that is cut is told if it comes back while its connection still lives, which is 30 s.
//! When it took its last byte only the gateway knows: on a busy machine it is behind the job.

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::WRITING_MAX;

/// How often the log is looked at.
const INTERVAL: Duration = Duration::from_millis(100);
/// What the gateway says of a reader that it cuts.
const CUT: &str = "a slow reader was cut";
/// What the name of a reader begins with.
const NAME: &str = "stalled-reader-";

pub(super) struct Cuts {
    readers: Arc<[Arc<Notify>]>,
    seen: Arc<AtomicUsize>,
    watching: JoinHandle<()>,
    _log: NamedTempFile,
}

impl Cuts {
    /// What the gateway has to log: its requests' names, and what becomes of streams.
    pub(super) const LOGGED: &str = "error,lapin=off,api::edge=info,api::stream=debug";

    /// Watches over so many readers; and where the gateway has to write its log.
    pub(super) fn watch(readers: usize) -> (Self, Stdio) {
        let log = NamedTempFile::new().unwrap();
        let written = File::options().append(true).open(log.path()).unwrap();
        let mut read = File::open(log.path()).unwrap();
        let readers: Arc<[_]> = (0..readers).map(|_| Arc::<Notify>::default()).collect();
        let seen = Arc::new(AtomicUsize::new(0));
        let (told, counted) = (Arc::clone(&readers), Arc::clone(&seen));
        let watching = tokio::spawn(async move {
            let mut text = String::new();
            loop {
                read.read_to_string(&mut text).unwrap();
                for number in take_cuts(&mut text) {
                    told[number].notify_one();
                    counted.fetch_add(1, Ordering::SeqCst);
                }
                tokio::time::sleep(INTERVAL).await;
            }
        });
        (Self { readers, seen, watching, _log: log }, written.into())
    }

    /// The request id of a reader, by its number.
    pub(super) fn name(number: usize) -> String {
        format!("{NAME}{number}")
    }

    /// What is notified when this reader is cut.
    pub(super) fn of(&self, number: usize) -> Arc<Notify> {
        Arc::clone(&self.readers[number])
    }

    /// Waits until all were cut: the time from the first cut to the last.
    pub(super) async fn all(&self) -> Duration {
        self.until(1).await;
        let first = Instant::now();
        self.until(self.readers.len()).await;
        first.elapsed()
    }

    async fn until(&self, cuts: usize) {
        let so_many = async || (self.seen.load(Ordering::SeqCst) >= cuts).then_some(());
        testkit::eventually(WRITING_MAX, so_many).await;
    }
}

impl Drop for Cuts {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// The readers that were cut according to the lines that are whole, which are taken off.
fn take_cuts(text: &mut String) -> Vec<usize> {
    let rest = text.split_off(text.rfind('\n').map_or(0, |end| end + 1));
    let lines = std::mem::replace(text, rest);
    let number = |line: &str| {
        let (_, name) = line.split_once(NAME)?;
        name.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    lines.lines().filter(|line| line.contains(CUT)).filter_map(number).collect()
}
