//! The store's port: what the gateway asks is answered, and what a worker would ask is not needed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use contracts::{Event, Hint, JobId, TenantId, WorkerId};
use engine::job::{Change, Job};
use engine::ports::{
    Backlog, Cancelled, Claimed, Clock as _, Committed, Deletion, JobFilter, JobStore, LogHead,
    LogLimit, LogSlice, NewJob, PageCursor, Refill, Renewal, Snapshot, StepRecord, StoreError,
    Submitted, Swept, Write, Written,
};

use super::{MemoryStore, Row, not_needed};

#[async_trait]
impl JobStore for MemoryStore {
    async fn submit(&self, new: NewJob) -> Result<Submitted, StoreError> {
        let mut content = self.check()?;
        let key = new.idempotency.as_ref().map(|given| given.key.clone());
        if key.is_some() && content.gone.values().any(|gone| *gone == key) {
            return Ok(Submitted::KeyGone);
        }
        let same_key = content.rows.values().find_map(|row| {
            let (known, given) = (row.new.idempotency.as_ref()?, new.idempotency.as_ref()?);
            (known.key == given.key).then_some((row.job.id, known == given))
        });
        match same_key {
            Some((id, true)) => return Ok(Submitted::Replayed(id)),
            Some((_, false)) => return Ok(Submitted::KeyReused),
            None => {}
        }
        let now = self.clock.now();
        let (job, created) = Job::create(new.identity.clone(), new.created(now), now);
        let mut row = Row { new, job: job.clone(), log: Vec::new() };
        let events = row.append(vec![created]);
        content.rows.insert(job.id, row);
        Ok(Submitted::Created { committed: Committed { before: None, job, events }, hinted: false })
    }

    async fn get(&self, tenant: &TenantId, id: JobId) -> Result<Option<Snapshot>, StoreError> {
        let mut content = self.check()?;
        let now = self.clock.now();
        let row = content.rows.get_mut(&id).filter(|row| row.job.tenant == *tenant);
        Ok(row.map(|row| {
            let ended = row.job.change(Change::PassDeadline, now).expect("it always may");
            row.append(ended);
            row.snapshot(now)
        }))
    }

    async fn queue_position(&self, _: &TenantId, _: JobId) -> Result<Option<u32>, StoreError> {
        Ok(self.check()?.queue_position)
    }

    async fn list(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        cursor: Option<PageCursor>,
        limit: usize,
    ) -> Result<Vec<Snapshot>, StoreError> {
        let content = self.check()?;
        let place = |job: &Job| (job.created_at, job.id);
        let mut rows: Vec<&Row> = content
            .rows
            .values()
            .filter(|row| row.job.tenant == *tenant)
            .filter(|row| filter.state.is_none_or(|state| state == row.job.state.name()))
            .filter(|row| {
                filter.labels.iter().all(|(k, v)| row.new.submission.labels.get(k) == Some(v))
            })
            .filter(|row| cursor.is_none_or(|c| place(&row.job) < (c.created_at, c.id)))
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(place(&row.job)));
        Ok(rows.into_iter().take(limit).map(|row| row.snapshot(self.clock.now())).collect())
    }

    async fn log(
        &self,
        tenant: &TenantId,
        id: JobId,
        after: u64,
        limit: LogLimit,
    ) -> Result<Option<LogSlice>, StoreError> {
        self.log_reads.go_on().await;
        let content = self.check()?;
        let Some(row) = content.rows.get(&id).filter(|row| row.job.tenant == *tenant) else {
            return Ok(None);
        };
        let rest = row.log.iter().filter(|event| event.version() > after).take(limit.events);
        let mut bytes = 0;
        let within = |event: &&Event| {
            let is_first = bytes == 0;
            bytes += event.data.to_string().len();
            is_first || bytes <= limit.bytes
        };
        Ok(Some(LogSlice {
            events: rest.take_while(within).cloned().collect(),
            head: row.job.version,
            ended: row.job.is_ended(),
            overdue: row.job.is_overdue(self.clock.now()),
        }))
    }

    async fn checkpoints(
        &self,
        _: &TenantId,
        _: JobId,
    ) -> Result<Option<Vec<StepRecord>>, StoreError> {
        Ok(Some(Vec::new()))
    }

    async fn heads(&self, ids: &[JobId]) -> Result<Vec<LogHead>, StoreError> {
        let mut content = self.check()?;
        content.followed = ids.to_vec();
        let rows = ids.iter().filter_map(|id| content.rows.get(id));
        let head = |row: &Row| LogHead {
            id: row.job.id,
            version: row.job.version,
            ended: row.job.is_ended(),
        };
        Ok(rows.map(head).collect())
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        id: JobId,
        reason: Option<String>,
    ) -> Result<Option<Cancelled>, StoreError> {
        if let Some(gate) = &self.gate {
            gate.entered.notify_one();
            gate.open.notified().await;
            gate.passed.fetch_add(1, Ordering::SeqCst);
        }
        let mut content = self.check()?;
        let Some(row) = content.rows.get_mut(&id).filter(|row| row.job.tenant == *tenant) else {
            return Ok(None);
        };
        let before = Some(row.job.standing());
        let changed = row.job.change(Change::RequestCancel { reason }, self.clock.now());
        let (recorded, refused) = match changed {
            Ok(recorded) => (recorded, None),
            Err(refusal) => (Vec::new(), Some(refusal)),
        };
        let events = row.append(recorded);
        let committed = Committed { before, job: row.job.clone(), events };
        Ok(Some(Cancelled { committed, refused }))
    }

    async fn delete(&self, tenant: &TenantId, id: JobId) -> Result<Deletion, StoreError> {
        let mut content = self.check()?;
        let Some(row) = content.rows.get(&id).filter(|row| row.job.tenant == *tenant) else {
            return Ok(Deletion::Unknown);
        };
        if !row.job.is_ended() {
            return Ok(Deletion::NotEnded);
        }
        content.forget(id);
        Ok(Deletion::Deleted)
    }

    async fn is_gone(&self, _: &TenantId, id: JobId) -> Result<bool, StoreError> {
        Ok(self.check()?.gone.contains_key(&id))
    }

    async fn claim(&self, _: JobId, _: WorkerId, _: &[u32]) -> Result<Option<Claimed>, StoreError> {
        not_needed()
    }

    async fn write(&self, _: Write) -> Result<Written, StoreError> {
        not_needed()
    }

    async fn renew(&self, _: WorkerId, _: &[u32]) -> Result<Renewal, StoreError> {
        not_needed()
    }

    async fn retire(&self, _: WorkerId) -> Result<(), StoreError> {
        not_needed()
    }

    async fn refill(&self, _: Refill) -> Result<Vec<Hint>, StoreError> {
        not_needed()
    }

    async fn backlog(&self, _: usize) -> Result<Backlog, StoreError> {
        not_needed()
    }

    async fn unhint(&self, _: &[Hint]) -> Result<(), StoreError> {
        not_needed()
    }

    async fn sweep(&self, _: Duration, _: usize) -> Result<Swept, StoreError> {
        not_needed()
    }
}
