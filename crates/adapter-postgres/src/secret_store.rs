//! What all gateways of the fleet know and its clients do not.

use async_trait::async_trait;
use engine::ports::{SecretStore, StoreError};

use crate::database::Query;
use crate::fault::Fault;
use crate::sql;
use crate::store::Store;

#[async_trait]
impl SecretStore for Store {
    async fn ticket_key(&self) -> Result<[u8; 32], StoreError> {
        let rows = self.database().run(Query::plain(sql::SELECT_TICKET_KEY)).await?;
        let row = rows.first().ok_or(Fault::Corrupt("ticket key"))?;
        let key: Vec<u8> = row.try_get("value").map_err(Fault::from)?;
        Ok(key.try_into().map_err(|_| Fault::Corrupt("ticket key"))?)
    }
}
