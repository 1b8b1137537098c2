//! The private broker.

use testkit::servers::rabbitmq;

#[tokio::test]
async fn every_test_has_a_virtual_host_of_its_own() {
    let mut urls = Vec::new();
    for _ in 0..2 {
        let Some(host) = rabbitmq::shared().await else { return };
        urls.push(host.url().to_owned());
    }
    assert_ne!(urls[0], urls[1]);
}

#[tokio::test]
async fn a_broken_node_is_mended_for_the_next_test() {
    let Some((host, node)) = rabbitmq::alone().await else { return };
    node.raise_memory_alarm().await;
    node.stop_app().await;
    node.reset().await;
    drop((host, node));
    let Some((host, node)) = rabbitmq::alone().await else { return };
    assert_eq!(host.connections().await, 0);
    node.kill().await;
    node.start().await;
    assert_eq!(host.connections().await, 0);
}
