//! Keys that processes share.

use super::SecretStoreHarness;

pub async fn everybody_is_told_the_same_key(harness: &dyn SecretStoreHarness) {
    let first = harness.secrets().ticket_key().await.expect("read");
    assert_ne!(first, [0; 32]);
    assert_eq!(harness.secrets().ticket_key().await.expect("read"), first);
}
