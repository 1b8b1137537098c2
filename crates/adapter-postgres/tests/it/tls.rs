//! Connections over TLS.

use std::process::{Command, Stdio};

use adapter_postgres::{Settings, Store};
use testkit::servers::Postgres;
use testkit::skip;
use tokio_postgres::NoTls;

use crate::fleet::{connect, prepare};

/// Makes the server its own certificate, in its data folder, where it looks for one.
const CERTIFY: &str = "COPY (SELECT 1) TO PROGRAM '
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2
        -subj /CN=assay-test-ca -keyout ca.key -out ca.crt &&
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes
        -subj /CN=localhost -keyout server.key -out server.csr &&
    printf \"subjectAltName=IP:127.0.0.1\" > server.ext &&
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2
        -extfile server.ext -out server.crt'";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_reached_over_tls_if_its_certificate_is_trusted() {
    let openssl = Command::new("openssl").arg("version").stdout(Stdio::null()).status();
    if !openssl.is_ok_and(|status| status.success()) {
        skip("openssl is not installed, which makes the certificates");
        return;
    }
    let Some(server) = Postgres::own() else { return };
    let database = server.database(|url| async move { prepare(&url).await }).await;
    let client = connect(&database.url()).await;
    client.batch_execute(&CERTIFY.replace('\n', " ")).await.unwrap();
    client.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    let ca: String = client.query_one("SELECT pg_read_file('ca.crt')", &[]).await.unwrap().get(0);
    server.restart();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.crt");
    std::fs::write(&file, ca).unwrap();

    let url = format!("{}?sslmode=require", database.url());
    let trusting = Settings::of_url(&url).unwrap().with_ca_file(file);
    let _store = Store::open(&trusting).await.expect("the certificate is trusted");
    let plain = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE application_name = 'assay' AND NOT ssl";
    let client = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
    tokio::spawn(client.1);
    let plain: i64 = client.0.query_one(plain, &[]).await.unwrap().get(0);
    assert_eq!(plain, 0, "nothing goes around it");
    let strange = Store::open(&Settings::of_url(&url).unwrap()).await;
    assert!(strange.is_err(), "the system does not trust it");
}
