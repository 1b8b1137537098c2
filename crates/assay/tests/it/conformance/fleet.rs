use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{assert_conforms, kit};
use crate::fleet::processes::{Fleet, Servers};

/// Between two deletions of the fanout exchange.
const DELETION_INTERVAL: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_of_two_gateways_and_two_workers_keeps_every_promise() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let (first, second) = (fleet.gateway(), fleet.gateway());
    let _workers = [fleet.worker("one"), fleet.worker("two")];
    assert_conforms(&kit(&[first.base(), second.base()], &[]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_keeps_every_promise_while_its_news_are_lost_again_and_again() {
    let Some(servers) = Servers::start_private().await else { return };
    let fleet = Fleet::new(&servers);
    let (first, second) = (fleet.gateway(), fleet.gateway());
    let _workers = [fleet.worker("one"), fleet.worker("two")];
    let stop = AtomicBool::new(false);
    let (report, deletions) = tokio::join!(
        async {
            let report = kit(&[first.base(), second.base()], &[]).await;
            stop.store(true, Ordering::Relaxed);
            report
        },
        delete_again_and_again(&servers, &stop)
    );
    assert!(deletions > 10, "{deletions} deletions");
    assert_conforms(&report);
}

/// Deletes the exchange that news travel over, until it is told to stop; says how often.
async fn delete_again_and_again(servers: &Servers<'_>, stop: &AtomicBool) -> usize {
    let mut interval = tokio::time::interval(DELETION_INTERVAL);
    let mut deletions = 0;
    while !stop.load(Ordering::Relaxed) {
        interval.tick().await;
        deletions += usize::from(servers.host.delete_exchange("assay.progress").await);
    }
    deletions
}
