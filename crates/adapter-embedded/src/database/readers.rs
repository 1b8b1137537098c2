use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::fault::Fault;

/// Connections that read. More reads than this wait for one of them, in the order they came.
const CONNECTIONS: usize = 4;

/// A few connections that can only read, each used by one read at a time.
#[derive(Clone)]
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn open(open: impl Fn() -> Result<Connection, Fault>) -> Result<Self, Fault> {
        let connections: Vec<_> = (0..CONNECTIONS).map(|_| open()).collect::<Result<_, _>>()?;
        let permits = Arc::new(Semaphore::new(connections.len()));
        Ok(Self { idle: Arc::new(Mutex::new(connections)), permits })
    }

    /// Reads in one transaction: everything that `work` sees was committed by one moment.
    ///
    /// # Cancel safety
    /// A read whose future is dropped runs to its end on its own thread and is forgotten.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| Fault::Closed)?;
        let mut reader = Reader::take(Arc::clone(&self.idle), permit)?;
        let done = tokio::task::spawn_blocking(move || {
            let transaction = reader.connection()?.transaction()?;
            work(&transaction)
        });
        let outcome = done
            .await
            .map_err(|error| if error.is_panic() { Fault::Panicked } else { Fault::Closed })?;
        Ok(outcome?)
    }
}

/// A connection that goes back when it is dropped, also by a panic.
struct Reader {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    // Dropped after the connection went back, so that whoever waits for it finds one.
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    fn take(
        idle: Arc<Mutex<Vec<Connection>>>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, Fault> {
        let connection = Some(lock(&idle).pop().ok_or(Fault::Closed)?);
        Ok(Self { connection, idle, _permit: permit })
    }

    fn connection(&mut self) -> Result<&mut Connection, Fault> {
        self.connection.as_mut().ok_or(Fault::Closed)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            lock(&self.idle).push(connection);
        }
    }
}

fn lock(idle: &Mutex<Vec<Connection>>) -> MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
