//! A hint that the broker has no queue for.

use std::time::Instant;

use engine::ports::{HintQueue, PublishError};
use testkit::servers::rabbitmq;

use crate::support::{HINTS, dispatch_is_back, hint, open_queue, publish, settings};

#[tokio::test]
async fn a_hint_without_a_queue_is_not_taken_and_the_queue_is_declared_again() {
    let Some(host) = rabbitmq::private().await else { return };
    let queue = open_queue(settings(&host)).await;
    publish(&queue).await;
    host.delete_queue(HINTS).await;
    let returned = queue.publish(hint()).await;
    let Err(PublishError::Unavailable(source)) = &returned else { panic!("{returned:?}") };
    assert!(source.to_string().contains("returned"), "{source}");
    dispatch_is_back(&queue, Instant::now()).await;
}
