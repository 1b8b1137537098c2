//! Which files this release serves.

use std::path::Path;
use std::sync::Arc;

use adapter_embedded::{DataDir, OpenError, Records, Store, schema};
use engine::schema::{Fit, Form};
use rusqlite::Connection;
use testkit::clock::ManualClock;

fn open(dir: &Path) -> Result<Store, OpenError> {
    Store::open(DataDir::open(dir).expect("owned"), Arc::new(ManualClock::default()))
}

/// What a release would do that came this many after ours.
fn migrated_by_a_release_after(dir: &Path, releases: u32) -> Form {
    drop(open(dir).expect("opened"));
    let own = schema(&DataDir::open(dir).expect("owned")).expect("read").own;
    let form = Form { release: own.release + releases, migration: own.migration + releases };
    let Form { release, migration } = form;
    let take = format!(
        "INSERT INTO schema_releases VALUES ({release}, {migration});
         INSERT INTO refinery_schema_history VALUES ({migration}, 'of_a_later_release', '', '1');"
    );
    let connection = Connection::open(dir.join("assay.db")).expect("opened");
    connection.execute_batch(&take).expect("taken");
    form
}

#[tokio::test]
async fn the_migrations_give_the_releases_own_number() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let found = schema(&DataDir::open(dir.path()).unwrap()).unwrap();
    assert_eq!((found.fit(), found.found), (Fit::Own, found.own));
}

#[tokio::test]
async fn the_next_releases_file_is_served_and_not_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let form = migrated_by_a_release_after(dir.path(), 1);
    drop(open(dir.path()).unwrap());
    let owned = DataDir::open(dir.path()).unwrap();
    let found = schema(&owned).unwrap();
    assert_eq!((found.fit(), found.found), (Fit::Next, form));
    assert!(Records::open(owned).is_ok());
}

#[tokio::test]
async fn a_file_of_a_release_after_the_next_is_refused_and_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let form = migrated_by_a_release_after(dir.path(), 2);
    let before = std::fs::read(dir.path().join("assay.db")).unwrap();
    let Err(OpenError::Beyond(found)) = open(dir.path()) else { panic!("served") };
    assert_eq!(found.found, form);
    let owned = DataDir::open(dir.path()).unwrap();
    assert!(matches!(Records::open(owned), Err(OpenError::Beyond(_))));
    assert_eq!(std::fs::read(dir.path().join("assay.db")).unwrap(), before);
}
