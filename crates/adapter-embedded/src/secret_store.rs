//! What the system knows and its clients do not.

use async_trait::async_trait;
use engine::ports::{SecretStore, StoreError};

use crate::sql;
use crate::store::Store;

#[async_trait]
impl SecretStore for Store {
    async fn ticket_key(&self) -> Result<[u8; 32], StoreError> {
        let read = |connection: &rusqlite::Connection| {
            let mut select = connection.prepare_cached(sql::SELECT_TICKET_KEY)?;
            Ok(select.query_row([], |row| row.get("value"))?)
        };
        self.readers().read(read).await
    }
}
