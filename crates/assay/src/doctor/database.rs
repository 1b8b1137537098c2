use adapter_embedded::{DataDir, OpenError, Records};

use super::{Finding, told};
use crate::config::Config;
use crate::fleet::{self, DatabaseSeen};

const WHAT: &str = "database";
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
    let (found, known) = (seen.schema.found, seen.schema.known);
    if seen.schema.is_behind() {
        let missing = format!("at migration {found}, and this release needs {known}");
        findings.push(Finding::fail("schema", missing, "run `assay migrate`"));
    } else if found > known {
        let ahead = format!("at migration {found}; this release knows {known}");
        findings.push(Finding::warn("schema", ahead, "finish the upgrade of this process"));
    } else {
        findings.push(Finding::ok("schema", format!("at migration {found}")));
    }
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
    match Records::open(directory) {
        Ok(_) => Finding::ok(WHAT, format!("{}, of this release's form", file.display())),
        Err(error @ OpenError::Behind { .. }) => Finding::warn(
            WHAT,
            told(&error),
            "nothing: the next `assay dev` or `assay ask` migrates it",
        ),
        Err(error @ (OpenError::Open(_) | OpenError::Migrate(_) | OpenError::Recover(_))) => {
            Finding::fail(
                WHAT,
                format!("{}: {}", file.display(), told(&error)),
                "restore it from a backup, or set ASSAY_DATA_DIR to another directory",
            )
        }
    }
}
