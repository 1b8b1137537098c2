//! Certificates for a server on loopback, of an authority that nobody knows.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::skip;

/// Makes an authority, and what it vouches for.
const CERTIFY: &str = "
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
        -subj /CN=assay-test-ca -keyout ca.key -out ca.crt &&
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -subj /CN=localhost -keyout server.key -out server.csr &&
    printf 'subjectAltName=IP:127.0.0.1' > server.ext &&
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
        -extfile server.ext -out server.crt";

/// Files in PEM. They are deleted with this.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    /// Makes them with openssl; without it this is `None`, and the test was skipped.
    ///
    /// # Panics
    /// If there is no temporary folder, or openssl does not make them.
    #[must_use]
    pub fn make() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            skip("openssl is not installed, which makes the certificates");
            return None;
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        let made = Command::new("sh").args(["-c", CERTIFY]).current_dir(folder.path()).output();
        let made = made.expect("sh runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Some(Self { folder })
    }

    /// The authority's own, which a client is told to trust.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    /// The server's, for 127.0.0.1.
    #[must_use]
    pub fn server(&self) -> PathBuf {
        self.folder.path().join("server.crt")
    }

    /// The key that belongs to [`Self::server`].
    #[must_use]
    pub fn server_key(&self) -> PathBuf {
        self.folder.path().join("server.key")
    }
}
