use async_trait::async_trait;

use super::StoreError;

/// What all processes over one store must agree on and nobody else may know.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// The key that tickets are signed with: random, made with the store itself, and the same for
    /// everybody who asks.
    async fn ticket_key(&self) -> Result<[u8; 32], StoreError>;
}
