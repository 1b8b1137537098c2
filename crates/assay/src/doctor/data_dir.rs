use std::path::Path;

use adapter_embedded::{DataDir, DataDirError};

use super::{Finding, told};

const WHAT: &str = "data directory";
/// With less room than this a store soon cannot write.
const ROOM_MIN_MIB: u64 = 1_024;

/// Whether the directory can be used, and who uses it. One that is not there is not made.
pub(super) fn check(path: &Path) -> Vec<Finding> {
    let shown = path.display();
    let Some(there) = path.ancestors().find(|part| part.exists()) else {
        return vec![Finding::fail(WHAT, format!("{shown} names no place"), set_another())];
    };
    let use_of = if there == path { in_use(path) } else { may_be_made(path, there) };
    [Some(use_of), room(there)].into_iter().flatten().collect()
}

fn in_use(path: &Path) -> Finding {
    let shown = path.display();
    // A directory that no process has used has no lock yet, and gets none by being looked at.
    if DataDir::owner(path).is_err() {
        return may_be_made(path, path);
    }
    match DataDir::open(path) {
        Ok(_) => Finding::ok(WHAT, format!("{shown}, used by nobody now")),
        Err(DataDirError::InUse { owner, .. }) => {
            Finding::ok(WHAT, format!("{shown}, in use by {owner}"))
        }
        Err(error @ DataDirError::Io { .. }) => Finding::fail(WHAT, told(&error), set_another()),
    }
}

fn may_be_made(path: &Path, there: &Path) -> Finding {
    let shown = path.display();
    let may_write = rustix::fs::access(there, rustix::fs::Access::WRITE_OK).is_ok();
    match may_write && there.is_dir() {
        true => Finding::ok(WHAT, format!("{shown}, empty: the first use fills it")),
        false => {
            let seen = format!("{shown} cannot be written: {} is not ours", there.display());
            Finding::fail(WHAT, seen, set_another())
        }
    }
}

fn room(there: &Path) -> Option<Finding> {
    let volume = rustix::fs::statvfs(there).ok()?;
    let free_mib = volume.f_bavail.saturating_mul(volume.f_frsize) / (1 << 20);
    (free_mib < ROOM_MIN_MIB).then(|| {
        let seen = format!("{free_mib} MiB are free on the volume of {}", there.display());
        Finding::warn("disk", seen, "make room: a full disk stops every write")
    })
}

fn set_another() -> &'static str {
    "make it writable for this user, or set ASSAY_DATA_DIR to another one"
}
