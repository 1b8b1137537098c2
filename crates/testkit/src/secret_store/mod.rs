//! What every store of secrets keeps to.

pub mod keys;

use std::sync::Arc;

use async_trait::async_trait;
use engine::ports::SecretStore;

/// A store of secrets under test.
#[async_trait]
pub trait SecretStoreHarness: Send + Sync {
    /// Whether what it needs is here. If not, it has told [`crate::skip`] why.
    async fn is_available() -> bool
    where
        Self: Sized,
    {
        true
    }

    /// A new store.
    async fn start() -> Self
    where
        Self: Sized;

    /// The store.
    fn secrets(&self) -> Arc<dyn SecretStore>;
}

/// Tests a store of secrets: one test a rule.
#[macro_export]
macro_rules! secret_store_suite {
    ($harness:ty) => {
        $crate::rules! { $harness, secret_store, SecretStoreHarness,
            keys {
                everybody_is_told_the_same_key,
            }
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_rule_is_in_the_suite() {
        let suite = include_str!("mod.rs");
        crate::suite::assert_complete(suite, "keys", include_str!("keys.rs"));
    }
}
