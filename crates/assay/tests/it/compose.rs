//! docker-compose.yml and the image that it runs, without Docker: what `docker-compose config`
//! makes of the file is started as processes.

mod containers;
mod file;
mod image;
mod watchers;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use contracts::JobState;
use serde_json::json;
use testkit::servers::{Postgres, rabbitmq};

use containers::{Host, Running, Servers};
use file::ComposeFile;

/// What a running job gets to hand itself over, after the configured grace.
const HAND_OVER: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn the_fleet_of_the_compose_file_starts_in_its_order_answers_and_ends_in_its_time() {
    let Some(file) = ComposeFile::resolved() else { return };
    let Some(postgres) = Postgres::own() else { return };
    let Some(broker) = rabbitmq::shared().await else { return };
    // Empty: its form is the business of a service.
    let database = postgres.database(async |_| ()).await;
    let servers = Servers { database_url: database.url(), amqp_url: broker.url().to_owned() };
    let host = Host::new(&file, servers);

    let mut running = host.up().await;
    let manifest = repository().join("examples/corpus/manifest.jsonl");
    host.run("assay", &["ingest", "--manifest", manifest.to_str().unwrap()]);
    let gateway = running.iter().find_map(|(_, running)| match running {
        Running::Gateway(gateway) => Some(gateway),
        Running::Worker(_) => None,
    });
    let gateway = gateway.expect("a gateway");
    let question = "What were net sales in 2018?";
    let job = gateway.submit_with(json!({"company_name": "3M", "question": question})).await;
    let ended = gateway.until_ended(&job).await;
    assert_eq!(ended.state, JobState::Succeeded, "{ended:?}");

    while let Some((name, running)) = running.pop() {
        let begun = Instant::now();
        assert!(running.terminate(), "{name} ends well");
        let (took, grace) = (begun.elapsed(), file.service(name).stop_grace());
        assert!(took < grace, "{name} took {took:?}, and is killed after {grace:?}");
    }
}

#[test]
fn only_this_machine_reaches_what_asks_for_no_key() {
    let Some(file) = ComposeFile::resolved() else { return };
    for (name, service) in file.services() {
        for port in service.ports() {
            assert_eq!(port.host_ip, "127.0.0.1", "{name}");
            if !service.is_ours() {
                continue;
            }
            let listen = service.environment("ASSAY_LISTEN").expect("published, so it listens");
            assert!(listen.ends_with(&format!(":{}", port.target)), "{name}: {listen}");
        }
        if service.environment("ASSAY_LISTEN").is_some_and(|listen| listen.starts_with("0.0.0.0")) {
            // Else it refuses to start.
            assert_eq!(service.environment("ASSAY_ANONYMOUS"), Some("anywhere"), "{name}");
        }
    }
}

#[test]
fn a_worker_has_time_to_hand_its_jobs_over() {
    let Some(file) = ComposeFile::resolved() else { return };
    for (name, service) in file.services() {
        if let Some(grace_s) = service.environment("ASSAY_DRAIN_GRACE_S") {
            let needed = Duration::from_secs(grace_s.parse().unwrap()) + HAND_OVER;
            assert!(service.stop_grace() > needed, "{name}");
        }
    }
}

/// The folder of the repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
