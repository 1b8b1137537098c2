//! What a fleet says of itself while something is missing.

use serde_json::Value;

use super::super::processes::{Fleet, Servers};
use super::LONG;
use super::bed::Bed;
use super::scrape::Scrape;
use crate::process::PATIENCE;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_drains_says_so_until_it_has_drained() {
    let Some(servers) = Servers::start().await else { return };
    let bed = Bed::of(Fleet::new(&servers), None);
    bed.gateway.submit(LONG).await;
    bed.until("assay_worker_slots", &[("state", "held")], 1.0).await;
    bed.worker.signal("TERM");
    let [_, worker] = bed.processes;
    // The job takes all of the grace: until then the worker can be looked at.
    let drains = async || {
        let scrape = Scrape::of(&[worker]).await;
        (scrape.sum("assay_process_draining", &[]) == Some(1.0)).then_some(())
    };
    testkit::eventually(PATIENCE, drains).await;
    let ready = reqwest::get(format!("http://{worker}/readyz")).await.unwrap();
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json::<Value>().await.unwrap()["failing"], "draining");
    assert_eq!(bed.worker.wait(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_bus_brings_is_counted_as_repaired() {
    let Some(servers) = Servers::start().await else { return };
    let bed = Bed::of(Fleet::without_broker(&servers), None);
    let job = bed.gateway.submit("script: delay_ms=200").await;
    let path = format!("{}{}", bed.gateway.base(), job.links.events);
    let request = reqwest::Client::new().get(path).header("accept", "text/event-stream");
    let said = request.send().await.unwrap().text().await.unwrap();
    let events = bed.gateway.events(&job).await.events.len();
    assert_eq!(said.matches("\nid: ").count(), events, "{said}");
    let repaired = bed.scrape().await.sum("assay_bus_losses_repaired_total", &[]).unwrap();
    // All that was committed after the stream began, by another process.
    #[expect(clippy::cast_precision_loss, reason = "few events")]
    let most = events as f64;
    assert!(repaired >= 1.0 && repaired <= most, "{repaired} of {events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_of_a_job_that_is_somebody_elses_by_now_is_counted_as_fenced() {
    let Some(servers) = Servers::start().await else { return };
    let bed = Bed::of(Fleet::new(&servers), None);
    bed.until("assay_store_fenced_writes_total", &[], 0.0).await;
    bed.gateway.submit("script: delay_ms=1000").await;
    bed.until("assay_worker_slots", &[("state", "held")], 1.0).await;
    // As whoever takes the job over does.
    servers.database.execute("UPDATE jobs SET epoch = epoch + 1");
    bed.until("assay_store_fenced_writes_total", &[], 1.0).await;
    bed.until("assay_worker_slots", &[("state", "held")], 0.0).await;
}
