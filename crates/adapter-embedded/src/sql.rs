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
    CLEAR_ALL_HINTS = "clear_all_hints";
    CLEAR_HINT = "clear_hint";
    CLOSE_ATTEMPT = "close_attempt";
    COUNT_HINTED = "count_hinted";
    DELETE_JOB = "delete_job";
    END_STEP = "end_step";
    FIND_CANCELLING = "find_cancelling";
    FIND_EXPIRED = "find_expired";
    FIND_HELD = "find_held";
    FIND_OVERDUE = "find_overdue";
    FIND_STALE_HINTS = "find_stale_hints";
    FIND_UNHINTED = "find_unhinted";
    FIND_UNSETTLED = "find_unsettled";
    FORGET_TOMBSTONES = "forget_tombstones";
    INSERT_CHANGE = "insert_change";
    INSERT_DOCUMENT = "insert_document";
    INSERT_EVENT = "insert_event";
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
    SELECT_ATTEMPTS = "select_attempts";
    SELECT_CHANGES = "select_changes";
    SELECT_CHECKPOINTS = "select_checkpoints";
    SELECT_DOCUMENT = "select_document";
    SELECT_DOCUMENT_BY_CONTENT = "select_document_by_content";
    SELECT_DOCUMENT_GENERATION = "select_document_generation";
    SELECT_EVENTS = "select_events";
    SELECT_GENERATION = "select_generation";
    SELECT_HEAD = "select_head";
    SELECT_HOLDERS = "select_holders";
    SELECT_JOB = "select_job";
    SELECT_KEY = "select_key";
    SELECT_PASSAGES = "select_passages";
    SELECT_SNAPSHOT = "select_snapshot";
    SELECT_STEPS = "select_steps";
    SELECT_SUBMISSION = "select_submission";
    SELECT_TOMBSTONE = "select_tombstone";
    SELECT_TOMBSTONE_BY_KEY = "select_tombstone_by_key";
    SELECT_WAITING_TENANTS = "select_waiting_tenants";
    UPDATE_JOB = "update_job";
}
