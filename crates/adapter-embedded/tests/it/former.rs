//! The former release's statements on this release's schema: it runs them after a rollback.

use std::sync::Arc;

use adapter_embedded::{DataDir, Store};
use rusqlite::Connection;
use testkit::clock::ManualClock;
use testkit::former::statements_of;

/// What the former release asks of its file.
const FORMER: &str = include_str!("former/statements.sql");

#[test]
fn every_statement_of_the_former_release_can_be_prepared_on_this_schema() {
    let dir = tempfile::tempdir().unwrap();
    let owned = DataDir::open(dir.path()).unwrap();
    drop(Store::open(owned, Arc::new(ManualClock::default())).unwrap());
    let connection = Connection::open(dir.path().join("assay.db")).unwrap();
    let statements = statements_of(FORMER);
    assert!(statements.len() > 50, "{}", statements.len());
    for (name, statement) in statements {
        let prepared = connection.prepare(&statement);
        assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
    }
}
