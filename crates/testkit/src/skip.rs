use std::fs::OpenOptions;
use std::io::Write as _;

/// Names the file that skipped tests are listed in.
const SKIPS_FILE: &str = "ASSAY_TEST_SKIPS";

/// Says that the running test cannot run here, and why. The test returns after that.
///
/// The line is printed, and appended to the file that `ASSAY_TEST_SKIPS` names, because the output
/// of a test that passes is not shown.
///
/// # Panics
/// If the file cannot be written: a skip that nobody learns of would look like a pass.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let line = format!("SKIPPED {}: {reason}\n", thread.name().unwrap_or("a test"));
    #[expect(clippy::print_stderr, reason = "the test harness reads it")]
    {
        eprint!("{line}");
    }
    if let Some(path) = std::env::var_os(SKIPS_FILE) {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("the file of skipped tests can be written");
    }
}
