//! TLS before a collector that speaks none.

use std::sync::Arc;

use testkit::certificates::Certificates;
use testkit::loopback::ClosedPort;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What takes TLS from clients and passes on what was in it. It stops when it is dropped.
pub(super) struct TlsFront {
    /// `https://127.0.0.1:PORT`
    pub(super) url: String,
    accepting: AbortHandle,
}

impl TlsFront {
    /// Before the server at this URL, for clients of either version of HTTP.
    pub(super) fn before(url: &str, certificates: &Certificates) -> Self {
        let server = url.strip_prefix("http://").unwrap().to_owned();
        let port = ClosedPort::any();
        let url = format!("https://{}", port.address());
        let acceptor = TlsAcceptor::from(Arc::new(configuration(certificates)));
        let listener = port.open().unwrap();
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(acceptor.clone(), client, server.clone()));
            }
        });
        Self { url, accepting: accepting.abort_handle() }
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn configuration(certificates: &Certificates) -> ServerConfig {
    let chain = vec![CertificateDer::from_pem_file(certificates.server()).unwrap()];
    let key = PrivateKeyDer::from_pem_file(certificates.server_key()).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut configuration =
        builder.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
    configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    configuration
}

/// Passes both ways until either side ends. A client that does not trust ends it first.
async fn pass(acceptor: TlsAcceptor, client: TcpStream, server: String) {
    let Ok(mut client) = acceptor.accept(client).await else { return };
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
}
