//! The statements, one a file.

macro_rules! statements {
    ($($name:ident = $file:literal;)*) => {
        $(pub(crate) const $name: &str = include_str!(concat!("sql/", $file, ".sql"));)*

        #[cfg(test)]
        const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

statements! {
    BEGIN_STEP = "begin_step";
    CLAIM_DOCUMENT = "claim_document";
    CLEAR_ALL_HINTS = "clear_all_hints";
    CLEAR_HINT = "clear_hint";
    CLOSE_ATTEMPT = "close_attempt";
    COUNT_BACKLOG = "count_backlog";
    COUNT_HINTED = "count_hinted";
    DELETE_FILE = "delete_file";
    DELETE_JOB = "delete_job";
    END_DOCUMENT = "end_document";
    END_STEP = "end_step";
    FIND_CANCELLING = "find_cancelling";
    FIND_EXPIRED = "find_expired";
    FIND_HELD = "find_held";
    FIND_HELD_DOCUMENTS = "find_held_documents";
    FIND_OVERDUE = "find_overdue";
    FIND_QUEUE_POSITION = "find_queue_position";
    FIND_STALE_HINTS = "find_stale_hints";
    FIND_STUCK_DOCUMENTS = "find_stuck_documents";
    FIND_UNHINTED = "find_unhinted";
    FIND_UNREAD = "find_unread";
    FIND_UNSETTLED = "find_unsettled";
    FORGET_TOMBSTONES = "forget_tombstones";
    GIVE_BACK_DOCUMENT = "give_back_document";
    INSERT_CHANGE = "insert_change";
    INSERT_DOCUMENT = "insert_document";
    INSERT_EVENT = "insert_event";
    INSERT_FILE = "insert_file";
    INSERT_INPUT = "insert_input";
    INSERT_JOB = "insert_job";
    INSERT_KEY = "insert_key";
    INSERT_PASSAGE = "insert_passage";
    INSERT_RESULT = "insert_result";
    INSERT_TOMBSTONE = "insert_tombstone";
    KEEP_CHECKPOINT = "keep_checkpoint";
    LIST_DOCUMENTS = "list_documents";
    LIST_SNAPSHOTS = "list_snapshots";
    MARK_HINTED = "mark_hinted";
    OPEN_ATTEMPT = "open_attempt";
    PAGE_RECORDS = "page_records";
    RELEASE_DOCUMENT = "release_document";
    RENEW_DOCUMENT = "renew_document";
    REOPEN_DOCUMENT = "reopen_document";
    SELECT_ATTEMPTS = "select_attempts";
    SELECT_CHANGES = "select_changes";
    SELECT_CHECKPOINTS = "select_checkpoints";
    SELECT_CORPUS_HEAD = "select_corpus_head";
    SELECT_DOCUMENT = "select_document";
    SELECT_DOCUMENT_BY_CONTENT = "select_document_by_content";
    SELECT_DOCUMENT_OF_TENANT = "select_document_of_tenant";
    SELECT_EVENTS = "select_events";
    SELECT_FILE = "select_file";
    SELECT_HEAD = "select_head";
    SELECT_HELD_DOCUMENT = "select_held_document";
    SELECT_HOLDERS = "select_holders";
    SELECT_JOB = "select_job";
    SELECT_KEY = "select_key";
    SELECT_KEY_OWNERS = "select_key_owners";
    SELECT_LOG = "select_log";
    SELECT_PASSAGES = "select_passages";
    SELECT_RECORD = "select_record";
    SELECT_SNAPSHOT = "select_snapshot";
    SELECT_STEPS = "select_steps";
    SELECT_SUBMISSION = "select_submission";
    SELECT_TICKET_KEY = "select_ticket_key";
    SELECT_TOMBSTONE = "select_tombstone";
    SELECT_TOMBSTONE_BY_KEY = "select_tombstone_by_key";
    SELECT_TOMBSTONE_OF_TENANT = "select_tombstone_of_tenant";
    SELECT_WAITING_TENANTS = "select_waiting_tenants";
    UPDATE_JOB = "update_job";
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::ALL;
    use crate::database::open_migrated;

    /// What is asked for each job or document, each sweep or each refill: its cost must not grow
    /// with the number of those that are kept.
    const HOT: &[&str] = &[
        "claim_document",
        "count_backlog",
        "count_hinted",
        "find_cancelling",
        "find_expired",
        "find_held",
        "find_overdue",
        "find_queue_position",
        "find_stale_hints",
        "find_stuck_documents",
        "find_unhinted",
        "find_unread",
        "find_unsettled",
        "forget_tombstones",
        "list_snapshots",
        "page_records",
        "select_events",
        "select_holders",
        "select_job",
        "select_key",
        "select_key_owners",
        "select_log",
        "select_record",
        "select_snapshot",
        "select_tombstone_by_key",
        "select_tombstone_of_tenant",
        "select_waiting_tenants",
        "update_job",
    ];

    #[test]
    fn every_statement_can_be_prepared() {
        let (_dir, connection) = database();
        for (name, statement) in ALL {
            let prepared = connection.prepare(statement);
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

    #[test]
    fn no_hot_statement_reads_a_whole_table() {
        let (_dir, connection) = database();
        for name in HOT {
            let (_, statement) = ALL.iter().find(|(known, _)| known == name).unwrap();
            for step in plan(&connection, statement) {
                let scan =
                    ["SCAN jobs", "SCAN documents"].iter().any(|scan| step.starts_with(scan));
                let whole = scan && !step.contains("USING");
                let other = ["events", "idempotency", "tombstones", "job_inputs", "i", "j", "r"];
                let other = other.iter().any(|table| step == format!("SCAN {table}"));
                assert!(!whole && !other, "{name}: {step}");
            }
        }
    }

    fn plan(connection: &Connection, statement: &str) -> Vec<String> {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        let mut steps = Vec::new();
        let mut rows = explain.raw_query();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get("detail").unwrap());
        }
        steps
    }

    fn database() -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let connection = open_migrated(&dir.path().join("assay.db")).unwrap();
        (dir, connection)
    }
}
