//! Repeating jobs in bulk.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use contracts::{Job, Timestamp};

use super::{FAILING, Place, interrupt, lines};

/// The jobs that repeat others.
fn repetitions(place: &Place) -> Vec<Job> {
    let jobs: Vec<Job> = lines(&place.run(&["list", "--json", "--limit", "100"]).out);
    jobs.into_iter().filter(|job| job.retry_of.is_some()).collect()
}

#[test]
fn what_failed_is_repeated_once_however_often_and_however_broken_off() {
    let place = Place::new();
    let _server = place.start_server();
    let failed: Vec<Job> = (0..5).map(|_| place.ended(&place.submit_with(FAILING))).collect();
    place.ended(&place.submit("q"));
    let code = failed[0].error.as_ref().unwrap().code.as_str();
    let before = failed[4].created_at.as_millis() + 1;
    let before = Timestamp::from_millis(before).to_string();
    let retry = |more: &[&str]| {
        let args = ["retry", "--state", "failed", "--code", code, "--since", "1h"];
        place.run(&[&args[..], &["--before", &before], more].concat())
    };
    let dry = retry(&["--dry-run"]);
    assert_eq!((dry.out.lines().count(), dry.code), (5, Some(0)), "{}", dry.err);
    assert_eq!(repetitions(&place).len(), 0);

    let by_hand = place.run(&["retry", &failed[2].id.to_string()]);
    let again = place.run(&["retry", &failed[2].id.to_string()]);
    assert_eq!((by_hand.code, &by_hand.out), (Some(0), &again.out));
    let once_more =
        place.run(&["retry", &failed[2].id.to_string(), "--idempotency-key", "once-more"]);
    assert_ne!(once_more.out, by_hand.out);

    let args = ["retry", "--state", "failed", "--before", &before, "--rate", "1/min"];
    let mut slow =
        place.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(slow.stdout.take().unwrap()).read_line(&mut first).unwrap();
    interrupt(&slow);
    let mut said = String::new();
    slow.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(slow.wait().unwrap().code(), Some(130), "{said}");
    assert!(said.contains("4 left") && said.contains("--before"), "{said}");

    assert_eq!(retry(&["--dry-run"]).out.lines().count(), 3);
    let rest = retry(&["--rate", "1000/s"]);
    assert_eq!((rest.out.lines().count(), rest.code), (3, Some(0)), "{}", rest.err);
    assert!(rest.err.contains("3 repeated, 2 had been before, 0 refused"), "{}", rest.err);
    let done = retry(&[]);
    assert_eq!((done.out.as_str(), done.code), ("", Some(0)));
    assert!(done.err.contains("0 repeated, 5 had been before"), "{}", done.err);
    assert_eq!(repetitions(&place).len(), 6, "one each, and the one that was asked for once more");
}
