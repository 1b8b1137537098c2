//! Which databases this release serves.

use adapter_postgres::{MigrateError, OpenError, Settings, Store, migrate, schema};
use engine::schema::{Fit, Form};
use testkit::servers::Postgres;

use crate::fleet::Fleet;

/// What a release would do that came this many after ours.
async fn migrated_by_a_release_after(fleet: &Fleet, releases: u32) -> Form {
    let own = schema(&Settings::of_url(&fleet.url()).expect("a URL")).await.expect("read").own;
    let form = Form { release: own.release + releases, migration: own.migration + releases };
    let Form { release, migration } = form;
    let take = format!(
        "INSERT INTO schema_releases VALUES ({release}, {migration});
         INSERT INTO refinery_schema_history VALUES ({migration}, 'of_a_later_release', '', '1');"
    );
    fleet.client.batch_execute(&take).await.expect("taken");
    form
}

#[tokio::test]
async fn the_next_releases_database_is_served_and_not_migrated() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let form = migrated_by_a_release_after(&fleet, 1).await;
    let settings = Settings::of_url(&fleet.url()).unwrap();
    let found = schema(&settings).await.unwrap();
    assert_eq!((found.fit(), found.found), (Fit::Next, form));
    assert_eq!(migrate(&settings).await.unwrap(), 0);
    assert!(Store::open(&settings).await.is_ok());
}

#[tokio::test]
async fn a_database_of_a_release_after_the_next_is_refused_and_not_touched() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let form = migrated_by_a_release_after(&fleet, 2).await;
    // As if it had dropped what we would make again.
    fleet
        .client
        .batch_execute("DELETE FROM refinery_schema_history WHERE version = 6")
        .await
        .unwrap();
    let settings = Settings::of_url(&fleet.url()).unwrap();
    let Err(OpenError::Beyond(found)) = Store::open(&settings).await else { panic!("served") };
    assert_eq!((found.fit(), found.found), (Fit::Beyond, form));
    let refused = migrate(&settings).await;
    let Err(MigrateError::Beyond(_)) = &refused else { panic!("{refused:?}") };
    let error = refused.unwrap_err().to_string();
    assert!(error.contains(&format!("use a release of schema {}", form.release - 1)), "{error}");
    let count = "SELECT count(*) FROM refinery_schema_history WHERE version = 6";
    assert_eq!(fleet.client.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_database_that_does_not_tell_its_release_is_of_the_first() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let undo = "DROP TABLE schema_releases; DELETE FROM refinery_schema_history WHERE version > 6";
    fleet.client.batch_execute(undo).await.unwrap();
    let settings = Settings::of_url(&fleet.url()).unwrap();
    let found = schema(&settings).await.unwrap();
    assert_eq!(found.found, Form { release: 1, migration: 6 });
    let Err(OpenError::Behind(_)) = Store::open(&settings).await else { panic!("served") };
}
