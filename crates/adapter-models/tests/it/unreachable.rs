//! Providers that no request reaches: nobody there, no name, no TLS that holds.

use adapter_models::{OpenAiModel, ProviderSettings};
use contracts::Code;
use testkit::provider::{Reply, ScriptedProvider};

use crate::failures::TRANSIENT;
use crate::providers::{asked, settings};

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_unavailable() {
    let provider = ScriptedProvider::start(|_, _| Reply::none());
    let mut settings = settings(&provider);
    let closed = provider.stop().await;
    for (base_url, words) in [
        (format!("http://{}/v1", closed.address()), "connection refused"),
        ("http://no-such-provider.invalid/v1".to_owned(), "its name cannot be resolved"),
    ] {
        settings.base_url = base_url;
        let model = OpenAiModel::new(settings.clone()).expect("a model");
        let error = asked().refused_by(&model, 0).await;
        assert_eq!((error.class(), error.code()), (TRANSIENT, Code::ModelUnavailable));
        let said = error.to_string();
        assert!(said.ends_with(words) && !said.contains("127.0.0.1"), "{said}");
    }
}

#[cfg(feature = "https")]
#[tokio::test]
async fn a_provider_that_speaks_no_tls_is_unavailable() {
    use tokio::io::AsyncWriteExt as _;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let answering = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.expect("an answer");
        // The client reads it before the connection ends.
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    });
    let base_url = format!("https://{address}/v1");
    let model = OpenAiModel::new(ProviderSettings::new("tested", &base_url, "scripted-1"));
    let error = asked().refused_by(&model.expect("a model"), 0).await;
    assert_eq!((error.class(), error.code()), (TRANSIENT, Code::ModelUnavailable));
    assert!(error.to_string().ends_with("TLS failed"), "{error}");
    answering.await.expect("the server ends");
}

#[cfg(feature = "https")]
#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_as_good_as_none() {
    use testkit::certificates::Certificates;
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    let Some(certificates) = Certificates::make() else { return };
    let mut server = tokio::process::Command::new("openssl");
    server.args(["s_server", "-accept", "127.0.0.1:0", "-www", "-naccept", "2"]);
    server.arg("-key").arg(certificates.server_key()).arg("-cert").arg(certificates.server());
    server.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
    let mut server = server.kill_on_drop(true).spawn().expect("a server");
    let mut said = BufReader::new(server.stdout.take().expect("its output")).lines();
    let address = loop {
        let line = said.next_line().await.expect("a line").expect("it says where it is");
        if let Some(address) = line.strip_prefix("ACCEPT ") {
            break address.to_owned();
        }
    };
    let base_url = format!("https://{address}/v1");
    let model = OpenAiModel::new(ProviderSettings::new("tested", &base_url, "scripted-1"));
    let error = asked().refused_by(&model.expect("a model"), 0).await;
    assert_eq!((error.class(), error.code()), (TRANSIENT, Code::ModelUnavailable));
    assert!(error.to_string().ends_with("TLS failed"), "{error}");
}
