use adapter_embedded::{DataDir, schema};
use engine::schema::{Fit, Schema};

use super::{Finding, told};
use crate::config::Config;
use crate::fleet::{self, DatabaseSeen};

const WHAT: &str = "database";
const SCHEMA: &str = "schema";
/// A server's clock that is further off than this confuses whoever compares logs.
const SKEW_MAX_MS: u64 = 2_000;
/// Connections that other clients leave, below which a process may not get its own.
const CONNECTIONS_FREE_MIN: u32 = 20;

/// The database of the fleet if one is configured, else the one in the data directory.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let Some(url) = &config.database_url else { return vec![embedded(config)] };
    match fleet::examine_database(config).await {
        Ok(seen) => judge(&seen, &url.to_string(), config.database_connections),
        Err(error) => {
            let seen = format!("{url}: {error:#}");
            vec![Finding::fail(WHAT, seen, advice_for(&format!("{error:#}")))]
        }
    }
}

fn judge(seen: &DatabaseSeen, url: &str, wanted: u32) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.push(of_schema(seen.schema));
    for setting in &seen.unsafe_settings {
        let advice = format!("set {setting} = on in postgresql.conf, and reload the server");
        let lossy = format!("{setting} is off: what is committed can be lost");
        findings.push(Finding::fail("durability", lossy, advice));
    }
    if seen.skew_ms > SKEW_MAX_MS {
        let off = format!("{} ms from this machine's clock", seen.skew_ms);
        let advice = "synchronize both clocks (NTP); jobs follow the database's alone";
        findings.push(Finding::warn("clock", off, advice));
    }
    let free = seen.connections_max.saturating_sub(seen.connections);
    if free < CONNECTIONS_FREE_MIN.max(wanted) {
        let used = format!("{} of {} connections are used", seen.connections, seen.connections_max);
        let advice = "raise max_connections, or lower ASSAY_DATABASE_CONNECTIONS";
        findings.push(Finding::warn("connections", used, advice));
    }
    let version = &seen.server_version;
    findings.insert(0, Finding::ok(WHAT, format!("PostgreSQL {version} at {url}")));
    findings
}

/// Whether this release serves the form of a database.
fn of_schema(schema: Schema) -> Finding {
    let Schema { found, own } = schema;
    match schema.fit() {
        Fit::Own => Finding::ok(SCHEMA, found.to_string()),
        Fit::Behind => {
            let missing = format!("{found}, and this release needs {own}");
            Finding::fail(SCHEMA, missing, "run `assay migrate`")
        }
        Fit::Next => {
            let ahead = format!("{found}, of the next release; this one has {own}, and serves it");
            Finding::warn(SCHEMA, ahead, "finish the upgrade of this process, or the rollback")
        }
        Fit::Beyond => Finding::fail(SCHEMA, schema.beyond(), "upgrade this process"),
    }
}

/// What a person can do about a database that is not reached.
fn advice_for(error: &str) -> &'static str {
    if error.contains("password authentication failed") || error.contains("no password") {
        "correct user and password in ASSAY_DATABASE_URL"
    } else if error.contains("does not exist") {
        "create that database or user, or correct ASSAY_DATABASE_URL"
    } else if error.contains("too many") {
        "raise max_connections, or lower ASSAY_DATABASE_CONNECTIONS"
    } else if error.contains("certificate") || error.contains("TLS") {
        "correct the server's certificate, or sslmode in ASSAY_DATABASE_URL"
    } else if error.contains("without the fleet") {
        "use a program that has it, or leave ASSAY_DATABASE_URL empty"
    } else {
        "start PostgreSQL, or correct host and port in ASSAY_DATABASE_URL"
    }
}

/// The file, as it is. One that a process uses is that process's to tell of.
fn embedded(config: &Config) -> Finding {
    let path = &config.data_dir;
    let file = path.join("assay.db");
    if !file.exists() {
        return Finding::ok(WHAT, "none yet: the first use makes one in the data directory");
    }
    let Ok(directory) = DataDir::open(path) else {
        return Finding::ok(WHAT, format!("{}, in use", file.display()));
    };
    let shown = file.display();
    let schema = match schema(&directory) {
        Ok(schema) => schema,
        Err(error) => {
            let advice = "restore it from a backup, or set ASSAY_DATA_DIR to another directory";
            return Finding::fail(WHAT, format!("{shown}: {}", told(&error)), advice);
        }
    };
    let Schema { found, own } = schema;
    match schema.fit() {
        Fit::Own => Finding::ok(WHAT, format!("{shown}, of this release's form")),
        Fit::Next => {
            Finding::ok(WHAT, format!("{shown}, of the next release's form, which is served, too"))
        }
        Fit::Behind => Finding::warn(
            WHAT,
            format!("{shown} has {found}, and this release needs {own}"),
            "nothing: the next `assay dev` or `assay ask` migrates it",
        ),
        Fit::Beyond => Finding::fail(
            WHAT,
            format!("{shown}: {}", schema.beyond()),
            "use such a release, or set ASSAY_DATA_DIR to another directory",
        ),
    }
}
