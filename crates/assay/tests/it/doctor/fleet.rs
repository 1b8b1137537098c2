//! The database and the broker of a fleet, as they should be and as they should not.

use std::process::Command;

use testkit::loopback::ClosedPort;

use super::Report;
use crate::fleet::processes::{Fleet, Servers};

fn at(database_url: &str, dir: &tempfile::TempDir) -> Command {
    let mut command = super::assay(dir.path());
    command.env("ASSAY_DATABASE_URL", database_url);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_in_order_is_told_so() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let report = Report::of(&mut fleet.command("doctor"));
    report.assert("database", "ok", &["PostgreSQL"]);
    report.assert("schema", "ok", &["schema 2 (migration "]);
    report.assert("broker", "ok", &["no queue yet"]);
    let worker = fleet.worker("worker");
    let has_queue = async || {
        let report = Report::of(&mut fleet.command("doctor"));
        report.on("broker").1.contains("1 consumers").then_some(())
    };
    testkit::eventually(crate::process::PATIENCE, has_queue).await;
    assert!(worker.terminate());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_lacks_a_migration_is_told_to_be_migrated() {
    let Some(servers) = Servers::start().await else { return };
    servers.database.execute("DELETE FROM refinery_schema_history WHERE version > 3");
    servers.database.execute("DROP TABLE schema_releases");
    let dir = tempfile::tempdir().unwrap();
    let report = Report::of(&mut at(&servers.database.url(), &dir));
    assert_eq!(report.code, Some(1));
    report.assert("schema", "fail", &["schema 1 (migration 3)", "run `assay migrate`"]);
    report.assert("broker", "warn", &["none is configured"]);
}

#[test]
fn a_database_that_is_not_reached_is_told() {
    let gone = ClosedPort::any();
    let dir = tempfile::tempdir().unwrap();
    let report =
        Report::of(&mut at(&format!("postgres://a:s3cret@{}/assay", gone.address()), &dir));
    assert_eq!(report.code, Some(1));
    report.assert("database", "fail", &["a:***@", "start PostgreSQL"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_unknown_is_told_apart_from_a_server_that_is_down() {
    let Some(servers) = Servers::start().await else { return };
    let url = servers.database.url();
    let (_, rest) = url.split_once('@').unwrap();
    let dir = tempfile::tempdir().unwrap();
    let report = Report::of(&mut at(&format!("postgres://nobody:s3cret@{rest}"), &dir));
    report.assert("database", "fail", &["nobody:***@", "ASSAY_DATABASE_URL"]);
    let (_, said) = report.on("database");
    assert!(!said.contains("start PostgreSQL"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_refuses_a_password_or_is_down_is_told() {
    let Some(servers) = Servers::start().await else { return };
    let database = &servers.database;
    let dir = tempfile::tempdir().unwrap();
    let (_, rest) = servers.host.url().split_once('@').unwrap();
    let wrong = format!("amqp://guest:s3cret@{rest}");
    let report = Report::of(at(&database.url(), &dir).env("ASSAY_AMQP_URL", wrong));
    report.assert("broker", "fail", &["guest:***@", "correct user, password"]);
    let gone = ClosedPort::any();
    let url = format!("amqp://guest:guest@{}/%2f", gone.address());
    let report = Report::of(at(&database.url(), &dir).env("ASSAY_AMQP_URL", url));
    report.assert("broker", "fail", &["start RabbitMQ"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_of_the_broker_is_told() {
    let Some((servers, broker)) = Servers::with_broker_alone().await else { return };
    let dir = tempfile::tempdir().unwrap();
    broker.raise_memory_alarm().await;
    let report =
        Report::of(at(&servers.database.url(), &dir).env("ASSAY_AMQP_URL", servers.host.url()));
    report.assert("alarm", "fail", &["takes no messages", "rabbitmq-diagnostics alarms"]);
    broker.clear_memory_alarm().await;
}
