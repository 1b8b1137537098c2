//! Connections over TLS.

use std::path::Path;

use adapter_postgres::{Settings, Store};
use testkit::certificates::Certificates;
use testkit::servers::Postgres;
use tokio_postgres::{Client, NoTls};

use crate::fleet::{connect, prepare};

/// Leaves a file where the server looks for it, in its data folder, for itself alone.
async fn give(client: &Client, name: &str, file: &Path) {
    let text = std::fs::read_to_string(file).expect("a certificate");
    let lines =
        format!("SELECT line FROM unnest(string_to_array('{}', E'\\n')) AS line", text.trim());
    let copy = format!("COPY ({lines}) TO PROGRAM 'umask 077 && cat > {name}'");
    client.batch_execute(&copy).await.expect("the server writes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_reached_over_tls_if_its_certificate_is_trusted() {
    let Some(certificates) = Certificates::make() else { return };
    let Some(server) = Postgres::own() else { return };
    let database = server.database(|url| async move { prepare(&url).await }).await;
    let client = connect(&database.url()).await;
    give(&client, "server.crt", &certificates.server()).await;
    give(&client, "server.key", &certificates.server_key()).await;
    client.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
    server.restart();

    let url = format!("{}?sslmode=require", database.url());
    let trusting = Settings::of_url(&url).unwrap().with_ca_file(certificates.authority());
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
