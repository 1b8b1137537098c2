//! The statements, one a file.

macro_rules! statements {
    ($($name:ident = $file:literal;)*) => {
        $(pub(crate) const $name: &str = include_str!(concat!("sql/", $file, ".sql"));)*

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

statements! {
    ACCEPT_DOCUMENT = "accept_document";
    ADMIT_DUE = "admit_due";
    BE_PATIENT = "be_patient";
    BEGIN = "begin";
    BEGIN_READING = "begin_reading";
    CLAIM_DOCUMENT = "claim_document";
    CLEAR_HINTS = "clear_hints";
    CLOSE_ATTEMPTS = "close_attempts";
    COMMIT = "commit";
    COUNT_BACKLOG = "count_backlog";
    COUNT_HINTED = "count_hinted";
    DELETE_ENDED = "delete_ended";
    DELETE_EXPIRED = "delete_expired";
    EXAMINE = "examine";
    FAIL_DOCUMENTS = "fail_documents";
    FIND_CANCELLING = "find_cancelling";
    FIND_EARLIER = "find_earlier";
    FIND_ORPHANS = "find_orphans";
    FIND_OVERDUE = "find_overdue";
    FIND_QUEUE_POSITION = "find_queue_position";
    FIND_STALE_HINTS = "find_stale_hints";
    FIND_STUCK_DOCUMENTS = "find_stuck_documents";
    FIND_UNHINTED = "find_unhinted";
    FIND_UNSETTLED = "find_unsettled";
    FIND_WAITING_TENANTS = "find_waiting_tenants";
    FINISH_DOCUMENT = "finish_document";
    FORGET_SILENT_WORKERS = "forget_silent_workers";
    FORGET_TOMBSTONES = "forget_tombstones";
    GIVE_BACK_DOCUMENTS = "give_back_documents";
    HEAR_WORKERS = "hear_workers";
    HOLD_LOCK = "hold_lock";
    INSERT_EVENTS = "insert_events";
    INSERT_INPUTS = "insert_inputs";
    INSERT_JOBS = "insert_jobs";
    INSERT_RESULTS = "insert_results";
    KEEP_TURN = "keep_turn";
    LIST_DOCUMENTS = "list_documents";
    LIST_SNAPSHOTS = "list_snapshots";
    LOCK_FREE_JOBS = "lock_free_jobs";
    LOCK_JOBS = "lock_jobs";
    MARK_HINTED = "mark_hinted";
    NOTE_PIPELINES = "note_pipelines";
    NOTE_SWEEP = "note_sweep";
    OPEN_ATTEMPTS = "open_attempts";
    PAGE_RECORDS = "page_records";
    PUT_STEPS = "put_steps";
    RELEASE_DOCUMENT = "release_document";
    RENEW_DOCUMENT = "renew_document";
    RENEW_WORKER = "renew_worker";
    RETIRE_WORKER = "retire_worker";
    ROLL_BACK = "roll_back";
    SELECT_ATTEMPTS = "select_attempts";
    SELECT_CHANGES = "select_changes";
    SELECT_CHECKPOINTS = "select_checkpoints";
    SELECT_CORPUS_HEAD = "select_corpus_head";
    SELECT_DOCUMENT = "select_document";
    SELECT_DOCUMENT_BY_CONTENT = "select_document_by_content";
    SELECT_EVENTS = "select_events";
    SELECT_HEADS = "select_heads";
    SELECT_KEY_OWNERS = "select_key_owners";
    SELECT_LOGS = "select_logs";
    SELECT_NOW = "select_now";
    SELECT_PASSAGES = "select_passages";
    SELECT_PIPELINES = "select_pipelines";
    SELECT_RECORDS = "select_records";
    SELECT_SETTINGS = "select_settings";
    SELECT_SNAPSHOT = "select_snapshot";
    SELECT_STEPS = "select_steps";
    SELECT_SUBMISSIONS = "select_submissions";
    SELECT_TICKET_KEY = "select_ticket_key";
    SELECT_TOMBSTONE = "select_tombstone";
    SELECT_WAITING_TENANTS = "select_waiting_tenants";
    SELECT_WATCH = "select_watch";
    TAKE_KEYS = "take_keys";
    TRY_REFILLING = "try_refilling";
    UPDATE_JOBS = "update_jobs";
}

#[cfg(test)]
mod tests {
    use testkit::servers::Postgres;
    use tokio_postgres::{Client, NoTls};

    use super::ALL;
    use crate::{Settings, migrate};

    /// What may read a table from end to end: tables of a row, or a few.
    const SMALL: &[&str] = &["sweeps", "refills", "workers", "pipelines", "pg_database"];

    #[tokio::test]
    async fn every_statement_can_be_prepared() {
        let Some(server) = Postgres::shared() else { return };
        let database = server.database(prepare).await;
        let client = connect(&database.url()).await;
        for (name, statement) in ALL {
            let prepared = client.prepare(statement).await;
            assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
        }
    }

    #[test]
    fn every_file_is_a_statement_of_the_store() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql")).unwrap();
        let mut files: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let mut known: Vec<String> = ALL.iter().map(|(name, _)| format!("{name}.sql")).collect();
        known.sort();
        assert_eq!(files, known);
    }

    #[tokio::test]
    async fn no_statement_reads_a_whole_table() {
        let Some(server) = Postgres::shared() else { return };
        let database = server.database(prepare).await;
        let client = connect(&database.url()).await;
        // Then a table is read from end to end only where no index could help, however small it is.
        let force = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";
        client.batch_execute(force).await.unwrap();
        for (name, statement) in ALL {
            let plan = plan(&client, name, statement).await;
            for (step, next) in plan.iter().zip(plan.iter().skip(1).chain([&String::new()])) {
                let scanned = step.split_once("Seq Scan on ").map(|(_, table)| table);
                let table = scanned.and_then(|table| table.split_whitespace().next());
                assert!(table.is_none_or(|table| SMALL.contains(&table)), "{name}: {step}");
                // The index of a primary key, without a condition, is the whole table again.
                let is_whole = step.contains("_pkey") && !next.contains("Index Cond");
                let is_part = step.contains("Conflict") || step.contains("Bitmap");
                assert!(!is_whole || is_part, "{name}: {step}");
            }
        }
    }

    /// The steps of a statement's plan, for whatever values.
    async fn plan(client: &Client, name: &str, statement: &str) -> Vec<String> {
        let values = client.prepare(statement).await.unwrap().params().len();
        if statement.starts_with("BEGIN") || ["commit", "roll_back"].contains(&name) {
            return Vec::new();
        }
        client.batch_execute(&format!("PREPARE {name} AS {statement}")).await.unwrap();
        let values = vec!["NULL"; values].join(", ");
        let values = if values.is_empty() { values } else { format!("({values})") };
        let explain = format!("EXPLAIN EXECUTE {name}{values}");
        let steps = client.query(&explain, &[]).await.unwrap();
        steps.iter().map(|step| step.get(0)).collect()
    }

    async fn prepare(url: String) {
        migrate(&Settings::of_url(&url).unwrap()).await.unwrap();
    }

    async fn connect(url: &str) -> Client {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}
