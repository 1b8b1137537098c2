//! The former release's statements on this release's schema: its processes run them after the
//! migration, until they are replaced, and again after a rollback.

use testkit::former::{migration_of, statements_of};
use testkit::servers::Postgres;
use tokio_postgres::Client;

use crate::fleet::Fleet;

/// What the former release asks of its database.
const FORMER: &str = include_str!("former/statements.sql");

#[tokio::test]
async fn every_statement_of_the_former_release_runs_on_this_schema() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let statements = statements_of(FORMER);
    assert!(statements.len() > 50, "{}", statements.len());
    for (name, statement) in statements {
        let prepared = fleet.client.prepare(&statement).await;
        let prepared = prepared.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        if statement.starts_with("BEGIN") || ["commit", "roll_back"].contains(&name.as_str()) {
            continue;
        }
        // It does nothing, or NULL is refused; what it calls must be there all the same.
        let values = vec!["NULL"; prepared.params().len()].join(", ");
        let values = if values.is_empty() { values } else { format!("({values})") };
        let run = format!("BEGIN; PREPARE s AS {statement}; EXECUTE s{values}; ROLLBACK");
        let ran = fleet.client.batch_execute(&run).await;
        let _ = fleet.client.batch_execute("ROLLBACK; DEALLOCATE ALL").await;
        let refused = ran.as_ref().err().and_then(tokio_postgres::Error::code);
        let refuses_values = refused.is_some_and(|code| code.code().starts_with("23"));
        assert!(ran.is_ok() || refuses_values, "{name}: {:?}", ran.err());
    }
}

#[tokio::test]
async fn a_row_that_the_former_release_writes_lacks_nothing_that_this_schema_wants() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let ours = columns(&fleet.client).await;
    let empty = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
    fleet.client.batch_execute(empty).await.unwrap();
    migrate_to(&fleet.client, migration_of(FORMER)).await;
    let former = columns(&fleet.client).await;
    for (table, column, must_be_given) in ours {
        let is_of_a_former_table = former.iter().any(|(known, ..)| *known == table);
        let is_new = !former.iter().any(|known| (&known.0, &known.1) == (&table, &column));
        assert!(
            !(is_of_a_former_table && is_new && must_be_given),
            "the former release does not write {table}.{column}, which has no default"
        );
    }
}

/// Takes the migrations up to one, as they are in the repository.
async fn migrate_to(client: &Client, newest: u32) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");
    for version in 1..=newest {
        let mut files = std::fs::read_dir(folder).expect("migrations").flatten();
        let prefix = format!("V{version}__");
        let file = files.find(|file| file.file_name().to_string_lossy().starts_with(&prefix));
        let file = file.expect("a migration of each number").path();
        let migration = std::fs::read_to_string(file).expect("a migration");
        client.batch_execute(&migration).await.expect("migrated");
    }
}

/// Each column of the schema, and whether an insertion must give it.
async fn columns(client: &Client) -> Vec<(String, String, bool)> {
    let select = "SELECT table_name::text, column_name::text,
            is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'
        FROM information_schema.columns WHERE table_schema = 'public'";
    let rows = client.query(select, &[]).await.expect("read");
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}
