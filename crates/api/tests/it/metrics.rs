//! What a process measures, for those who look after it.

use api::{Exposition, Settings, Surface};

use crate::server::{Server, header, problem};

fn shown() -> Exposition {
    Exposition::new(|| Some("a_metric 1\n".to_owned()))
}

#[tokio::test]
async fn measurements_are_told_as_prometheus_reads_them() {
    let surface = Surface::Health;
    let server =
        Server::with(Settings { surface, exposition: shown(), ..Settings::default() }).await;
    let response = server.get("/metrics").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(response.text().await.unwrap(), "a_metric 1\n");
    let refused = server.post("/metrics").send().await.unwrap();
    assert_eq!((refused.status().as_u16(), header(&refused, "allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn clients_have_no_measurements_and_neither_has_a_process_that_shows_none() {
    let clients = Server::with(Settings { exposition: shown(), ..Settings::default() }).await;
    let silent = Server::with(Settings { surface: Surface::Health, ..Settings::default() }).await;
    for server in [clients, silent] {
        let response = server.get("/metrics").send().await.unwrap();
        assert_eq!(response.status(), 404);
        assert_eq!(problem(response).await["code"], "not_found");
    }
}
