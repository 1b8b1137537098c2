//! The directory that everything of an embedded Assay lives in:
//!
//! | name | what |
//! |---|---|
//! | `assay.db`, `assay.db-wal`, `assay.db-shm` | jobs and documents, a SQLite database |
//! | `index/` | the retrieval index, a cache that can be deleted while no process runs |
//! | `lock` | locked while a process uses the directory; its process id, a line, and the address that it listens on, a line |

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::io::{Read as _, Seek as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Bytes read of another process's lock file: more than any process writes.
const OWNER_BYTES_MAX: u64 = 256;

/// The file that is locked by a directory's owner.
const LOCK: &str = "lock";

/// A data directory that this process owns until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    lock: File,
}

/// The process that owns a data directory, as far as it has said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// Its process id.
    pub pid: Option<u32>,
    /// The address that it listens on.
    pub address: Option<SocketAddr>,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => f.write_str("another process")?,
        }
        match self.address {
            Some(address) => write!(f, ", which listens on http://{address}"),
            None => Ok(()),
        }
    }
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// One process owns a data directory, and another one does.
    #[error("the data directory {} is in use by {owner}", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process.
        owner: Owner,
    },
    /// It cannot be created, locked or written to.
    #[error("the data directory {} cannot be used", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// What failed.
        source: io::Error,
    },
}

impl DataDir {
    /// Takes the directory for this process, creating it (readable by its owner alone) where
    /// needed.
    ///
    /// # Errors
    /// [`DataDirError::InUse`] while another process, or this one, has it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DataDirError> {
        let path = path.into();
        match take(&path) {
            Ok(Taken::Ours(lock)) => Ok(Self { path, lock }),
            Ok(Taken::Theirs(owner)) => Err(DataDirError::InUse { path, owner }),
            Err(source) => Err(DataDirError::Io { path, source }),
        }
    }

    /// Who owns the directory at `path`, or owned it last. Takes nothing.
    ///
    /// # Errors
    /// If it has never been owned, or cannot be read.
    pub fn owner(path: &Path) -> io::Result<Owner> {
        read_owner(&mut File::open(path.join(LOCK))?)
    }

    /// Writes down the address that this process listens on, for others to find.
    ///
    /// # Errors
    /// [`DataDirError::Io`].
    pub fn announce(&self, address: SocketAddr) -> Result<(), DataDirError> {
        sign(&self.lock, Some(address))
            .map_err(|source| DataDirError::Io { path: self.path.clone(), source })
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join("assay.db")
    }

    /// The directory of the retrieval index. Nothing here creates it.
    #[must_use]
    pub fn index(&self) -> PathBuf {
        self.path.join("index")
    }
}

enum Taken {
    Ours(File),
    Theirs(Owner),
}

fn take(path: &Path) -> io::Result<Taken> {
    create(path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    let mut lock = options.open(path.join(LOCK))?;
    match lock.try_lock() {
        Ok(()) => {
            sign(&lock, None)?;
            Ok(Taken::Ours(lock))
        }
        Err(TryLockError::WouldBlock) => Ok(Taken::Theirs(read_owner(&mut lock)?)),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn create(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn sign(mut lock: &File, address: Option<SocketAddr>) -> io::Result<()> {
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    lock.set_len(0)?;
    lock.rewind()?;
    lock.write_all(format!("{}\n{address}\n", std::process::id()).as_bytes())?;
    lock.flush()
}

fn read_owner(lock: &mut File) -> io::Result<Owner> {
    let mut text = String::new();
    lock.take(OWNER_BYTES_MAX).read_to_string(&mut text)?;
    let mut lines = text.lines();
    Ok(Owner {
        pid: lines.next().and_then(|line| line.parse().ok()),
        address: lines.next().and_then(|line| line.parse().ok()),
    })
}
