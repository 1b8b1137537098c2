//! Accepting a job.

use contracts::{JobId, TenantId};
use engine::job::{Job, Recorded};
use engine::ports::{IdempotencyKey, NewJob, Submitted};
use rusqlite::{OptionalExtension as _, named_params};

use super::record::{StoredJob, insert, keep_checkpoints};
use super::row::job_id;
use crate::database::Tx;
use crate::fault::{Fault, to_stored};
use crate::sql;

pub(crate) fn submit(tx: &Tx<'_>, new: &NewJob) -> Result<Submitted, Fault> {
    if let Some(earlier) = find_earlier(tx, new)? {
        return Ok(earlier);
    }
    let (job, recorded) = create(tx, new)?;
    let id = job.id;
    let hinted = has_room(tx, &job.tenant, new.hint_window)?;
    let committed = insert(tx, job, &recorded, hinted.then_some(tx.now))?;
    keep_checkpoints(tx, id, &new.carried)?;
    keep_input(tx, id, new)?;
    if let Some(key) = &new.idempotency {
        keep_key(tx, id, &new.identity.tenant, key)?;
    }
    Ok(Submitted::Created { committed, hinted })
}

/// What the same id or the same key has become of before.
fn find_earlier(tx: &Tx<'_>, new: &NewJob) -> Result<Option<Submitted>, Fault> {
    let id = new.identity.id;
    if let Some(known) = StoredJob::load(tx, id)? {
        if known.row.job.tenant != new.identity.tenant {
            return Err(Fault::Unstorable("the id of another tenant's job"));
        }
        return Ok(Some(Submitted::Replayed(id)));
    }
    let is_gone = tx
        .connection
        .prepare_cached(sql::SELECT_TOMBSTONE)?
        .exists(named_params! { ":job_id": id.as_uuid().as_bytes() })?;
    if is_gone {
        return Ok(Some(Submitted::KeyGone));
    }
    match &new.idempotency {
        Some(key) => find_key(tx, &new.identity.tenant, key),
        None => Ok(None),
    }
}

fn find_key(
    tx: &Tx<'_>,
    tenant: &TenantId,
    key: &IdempotencyKey,
) -> Result<Option<Submitted>, Fault> {
    let parameters = named_params! { ":tenant": tenant.as_str(), ":key": key.key };
    let known = tx
        .connection
        .prepare_cached(sql::SELECT_KEY)?
        .query_row(parameters, |row| {
            Ok((row.get::<_, [u8; 16]>("job_id")?, row.get::<_, [u8; 32]>("fingerprint")?))
        })
        .optional()?;
    if let Some((id, fingerprint)) = known {
        let is_same = fingerprint == key.fingerprint;
        let earlier = if is_same { Submitted::Replayed(job_id(id)) } else { Submitted::KeyReused };
        return Ok(Some(earlier));
    }
    let is_gone = tx.connection.prepare_cached(sql::SELECT_TOMBSTONE_BY_KEY)?.exists(parameters)?;
    Ok(is_gone.then_some(Submitted::KeyGone))
}

/// The job with its log: `job.created`, then what tells of the steps taken over.
fn create(tx: &Tx<'_>, new: &NewJob) -> Result<(Job, Vec<Recorded>), Fault> {
    let (job, created) = Job::create(new.identity.clone(), new.created(tx.now), tx.now);
    if new.carried_events.is_empty() {
        return Ok((job, vec![created]));
    }
    let mut recorded = vec![created];
    for (version, body) in (2..).zip(&new.carried_events) {
        if body.kind().starts_with("job.") {
            return Err(Fault::Unstorable("a carried event that is not of a step"));
        }
        recorded.push(Recorded { version, time: tx.now, attempt: 0, body: body.clone() });
    }
    let job = Job::replay(new.identity.clone(), &recorded)
        .map_err(|_| Fault::Unstorable("a log that cannot be replayed"))?;
    Ok((job, recorded))
}

/// Whether the new job may go to the workers at once, ahead of nobody who waits.
fn has_room(tx: &Tx<'_>, tenant: &TenantId, window: usize) -> Result<bool, Fault> {
    let limit = to_stored(window as u64, "window")?;
    let hinted: i64 = tx
        .connection
        .prepare_cached(sql::COUNT_HINTED)?
        .query_row(named_params! { ":limit": limit }, |row| row.get("hinted"))?;
    if hinted >= limit {
        return Ok(false);
    }
    let somebody_waits =
        tx.connection.prepare_cached(sql::FIND_UNHINTED)?.exists(named_params! {
            ":tenant": tenant.as_str(),
            ":now": tx.now.as_millis(),
            ":limit": 1,
        })?;
    Ok(!somebody_waits)
}

fn keep_input(tx: &Tx<'_>, id: JobId, new: &NewJob) -> Result<(), Fault> {
    let retry_of = new.retry_of.map(|id| id.as_uuid().into_bytes());
    tx.connection.prepare_cached(sql::INSERT_INPUT)?.execute(named_params! {
        ":job_id": id.as_uuid().as_bytes(),
        ":company_name": new.submission.company_name,
        ":submission": serde_json::to_string(&new.submission)?,
        ":retry_of": retry_of,
    })?;
    Ok(())
}

fn keep_key(tx: &Tx<'_>, id: JobId, tenant: &TenantId, key: &IdempotencyKey) -> Result<(), Fault> {
    tx.connection.prepare_cached(sql::INSERT_KEY)?.execute(named_params! {
        ":tenant": tenant.as_str(),
        ":key": key.key,
        ":fingerprint": key.fingerprint,
        ":job_id": id.as_uuid().as_bytes(),
    })?;
    Ok(())
}
