//! What was there before a submission.

use std::collections::{HashMap, HashSet};

use contracts::{TenantId, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use super::Submission;
use crate::database::{Parameter, Query, Rows};
use crate::fault::{Fault, to_stored};
use crate::sql;
use crate::value::Time;

/// What is asked of the database before anything is decided.
pub(super) struct Asked {
    ids: Vec<Uuid>,
    tenants: Vec<String>,
    keys: Vec<Option<String>>,
    window: i64,
    taken: Taken,
}

/// The keys to take.
#[derive(Default)]
struct Taken {
    tenants: Vec<String>,
    keys: Vec<String>,
    fingerprints: Vec<Vec<u8>>,
    ids: Vec<Uuid>,
}

impl Asked {
    pub(super) fn of(requests: &[Submission]) -> Result<Self, Fault> {
        let window = requests.iter().map(|submission| submission.new.hint_window).max();
        let window = to_stored(window.unwrap_or(0), "window")?;
        let mut asked = Self {
            ids: Vec::new(),
            tenants: Vec::new(),
            keys: Vec::new(),
            window,
            taken: Taken::default(),
        };
        for Submission { new, .. } in requests {
            let (id, tenant) = (*new.identity.id.as_uuid(), new.identity.tenant.as_str());
            asked.ids.push(id);
            asked.tenants.push(tenant.to_owned());
            asked.keys.push(new.idempotency.as_ref().map(|key| key.key.clone()));
            if let Some(key) = &new.idempotency {
                asked.taken.tenants.push(tenant.to_owned());
                asked.taken.keys.push(key.key.clone());
                asked.taken.fingerprints.push(key.fingerprint.to_vec());
                asked.taken.ids.push(id);
            }
        }
        Ok(asked)
    }

    pub(super) fn queries(&self) -> Vec<Query<'_>> {
        let Taken { tenants, keys, fingerprints, ids } = &self.taken;
        let mut queries = vec![
            Query::new(sql::TAKE_KEYS, [tenants as Parameter<'_>, keys, fingerprints, ids]),
            Query::new(sql::FIND_EARLIER, [&self.ids as Parameter<'_>, &self.tenants, &self.keys]),
            Query::plain(sql::SELECT_NOW),
            Query::new(sql::COUNT_HINTED, [&self.window as Parameter<'_>]),
        ];
        if self.window > 0 {
            let tenants = [&self.tenants as Parameter<'_>];
            queries.push(Query::new(sql::FIND_WAITING_TENANTS, tenants));
        }
        queries
    }
}

/// What was there before this batch.
pub(super) struct Found {
    pub(super) now: Timestamp,
    pub(super) earlier: HashMap<Uuid, Earlier>,
    hinted: i64,
    /// Tenants with a due job that has no hint.
    waiting: HashSet<String>,
}

/// What an id and a key belong to.
pub(super) struct Earlier {
    pub(super) tenant_of_id: Option<String>,
    pub(super) job_of_key: Option<Uuid>,
    pub(super) fingerprint: Option<Vec<u8>>,
    pub(super) is_id_gone: bool,
    pub(super) is_key_gone: bool,
}

impl Found {
    pub(super) fn read(rows: &[Rows]) -> Result<Self, Fault> {
        let [_, earlier, now, hinted, waiting @ ..] = rows else {
            return Err(Fault::Corrupt("answer"));
        };
        let mut by_id = HashMap::with_capacity(earlier.len());
        for row in earlier {
            by_id.insert(row.try_get("id")?, Earlier::read(row)?);
        }
        let Time(now) = now.first().ok_or(Fault::Corrupt("time"))?.try_get("now")?;
        let hinted = hinted.first().ok_or(Fault::Corrupt("count"))?.try_get("hinted")?;
        let waiting = waiting.iter().flatten().map(|row| row.try_get("tenant"));
        Ok(Self { now, earlier: by_id, hinted, waiting: waiting.collect::<Result<_, _>>()? })
    }

    /// Whether a new job may go to the workers at once, ahead of nobody who waits.
    pub(super) fn has_room(&mut self, tenant: &TenantId, window: usize) -> bool {
        let is_room = i64::try_from(window).is_ok_and(|window| self.hinted < window);
        let is_hinted = is_room && !self.waiting.contains(tenant.as_str());
        if is_hinted {
            self.hinted += 1;
        } else {
            self.waiting.insert(tenant.as_str().to_owned());
        }
        is_hinted
    }
}

impl Earlier {
    fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            tenant_of_id: row.try_get("tenant_of_id")?,
            job_of_key: row.try_get("job_of_key")?,
            fingerprint: row.try_get("fingerprint")?,
            is_id_gone: row.try_get("is_id_gone")?,
            is_key_gone: row.try_get("is_key_gone")?,
        })
    }
}
