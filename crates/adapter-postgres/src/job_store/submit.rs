//! Accepting jobs.

use std::collections::{HashMap, HashSet};

use contracts::{TenantId, Timestamp};
use engine::job::{Job, Recorded};
use engine::ports::{Committed, NewJob, StoreError, Submitted};
use tokio::sync::oneshot;
use tokio_postgres::Row;
use uuid::Uuid;

use super::log::{Log, LogWrites};
use super::read::labels;
use super::row::{BirthColumns, BirthRow, JobAndHolder, LifeColumns, LifeRow};
use crate::database::{Database, Parameter, Query, Rows, Unfinished};
use crate::fault::{Fault, to_stored};
use crate::group_commit::{Commit, Lane, Request};
use crate::sql;
use crate::value::{Columns as _, Time, table};

table! {
    /// What was asked.
    InputRow, InputColumns {
        job_id: Uuid,
        company_name: String,
        labels: String,
        submission: String,
        retry_of: Option<Uuid>,
    }
}

/// Accepts a job, through its lane.
pub(crate) async fn submit(lane: &Lane<Submissions>, new: NewJob) -> Result<Submitted, StoreError> {
    // What cannot be stored is refused here, before it has taken a key.
    let rehearsed = Birth::of(&new, Timestamp::from_millis(0), false)?;
    let bytes = rehearsed.input.submission.len() + ROW_BYTES;
    let (reply, answer) = oneshot::channel();
    lane.send(Submission { new, bytes, created: None, outcome: None, reply }).await?;
    answer.await.unwrap_or_else(|_| Err(StoreError::OutcomeUnknown(Box::new(Fault::Closed))))
}

/// What a job takes beside its request, roughly.
const ROW_BYTES: usize = 2_048;

/// Commits submissions.
#[derive(Clone)]
pub(crate) struct Submissions {
    database: Database,
}

/// A job to accept, and who waits for it.
pub(crate) struct Submission {
    new: NewJob,
    bytes: usize,
    /// What was decided before, for the case that it was committed and the reply was lost.
    created: Option<Submitted>,
    outcome: Option<Result<Submitted, Fault>>,
    reply: oneshot::Sender<Result<Submitted, StoreError>>,
}

/// What two submissions of a batch must not share.
#[derive(PartialEq, Eq, Hash)]
pub(crate) enum Token {
    Id(Uuid),
    Key(TenantId, String),
}

impl Request for Submission {
    type Token = Token;

    fn tokens(&self) -> Vec<Token> {
        let identity = &self.new.identity;
        let key = self.new.idempotency.as_ref();
        let key = key.map(|key| Token::Key(identity.tenant.clone(), key.key.clone()));
        [Token::Id(*identity.id.as_uuid())].into_iter().chain(key).collect()
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn answer(self, batch: Result<(), StoreError>) {
        let answer = match (batch, self.outcome) {
            (Ok(()), Some(Ok(submitted))) => Ok(submitted),
            (Ok(()), Some(Err(fault))) => Err(fault.into()),
            (Ok(()), None) => Err(Fault::Closed.into()),
            (Err(error), _) => Err(error),
        };
        // Whoever asked may have left; the job is accepted all the same.
        let _ = self.reply.send(answer);
    }
}

impl Submissions {
    pub(crate) const fn new(database: Database) -> Self {
        Self { database }
    }
}

impl Commit for Submissions {
    type Request = Submission;

    async fn commit(&self, requests: &mut [Submission]) -> Result<(), Unfinished> {
        let asked = Asked::of(requests).map_err(Unfinished::RolledBack)?;
        let begun = self.database.begin(asked.queries()).await;
        let (transaction, rows) = begun.map_err(Unfinished::RolledBack)?;
        let mut found = Found::read(&rows).map_err(Unfinished::RolledBack)?;
        let mut births = Births::default();
        for submission in requests {
            let outcome = submission.decide(&mut found, &mut births);
            submission.outcome = Some(outcome);
        }
        transaction.commit(births.queries()).await?;
        Ok(())
    }
}

/// What is asked of the database before anything is decided.
struct Asked {
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
    fn of(requests: &[Submission]) -> Result<Self, Fault> {
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

    fn queries(&self) -> Vec<Query<'_>> {
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
struct Found {
    now: Timestamp,
    earlier: HashMap<Uuid, Earlier>,
    hinted: i64,
    /// Tenants with a due job that has no hint.
    waiting: HashSet<String>,
}

/// What an id and a key belong to.
struct Earlier {
    tenant_of_id: Option<String>,
    job_of_key: Option<Uuid>,
    fingerprint: Option<Vec<u8>>,
    is_id_gone: bool,
    is_key_gone: bool,
}

impl Found {
    fn read(rows: &[Rows]) -> Result<Self, Fault> {
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
    fn has_room(&mut self, tenant: &TenantId, window: usize) -> bool {
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

impl Submission {
    fn decide(&mut self, found: &mut Found, births: &mut Births) -> Result<Submitted, Fault> {
        let identity = &self.new.identity;
        let earlier = found.earlier.get(identity.id.as_uuid()).ok_or(Fault::Corrupt("answer"))?;
        if let Some(before) = self.found_before(earlier)? {
            return Ok(before);
        }
        let hinted = found.has_room(&identity.tenant, self.new.hint_window);
        let birth = Birth::of(&self.new, found.now, hinted)?;
        let created = Submitted::Created { committed: birth.committed.clone(), hinted };
        births.push(birth);
        self.created = Some(created.clone());
        Ok(created)
    }

    /// What the same id or the same key has become of before.
    fn found_before(&self, earlier: &Earlier) -> Result<Option<Submitted>, Fault> {
        let identity = &self.new.identity;
        if let Some(tenant) = &earlier.tenant_of_id {
            if tenant != identity.tenant.as_str() {
                return Err(Fault::Unstorable("the id of another tenant's job"));
            }
            // Known through this very request, if the reply to its commit was lost.
            let replayed = || Submitted::Replayed(identity.id);
            return Ok(Some(self.created.clone().unwrap_or_else(replayed)));
        }
        if earlier.is_id_gone {
            return Ok(Some(Submitted::KeyGone));
        }
        let Some(key) = &self.new.idempotency else { return Ok(None) };
        match earlier.job_of_key {
            // Taken by this batch.
            Some(id) if id == *identity.id.as_uuid() => Ok(None),
            Some(id) if earlier.fingerprint.as_deref() == Some(&key.fingerprint[..]) => {
                Ok(Some(Submitted::Replayed(contracts::JobId::from_uuid(id))))
            }
            Some(_) => Ok(Some(Submitted::KeyReused)),
            None if earlier.is_key_gone => Ok(Some(Submitted::KeyGone)),
            None => Err(Fault::Corrupt("key")),
        }
    }
}

/// A new job with all that is written of it.
struct Birth {
    committed: Committed,
    life: LifeRow,
    birth: BirthRow,
    hinted_at: Option<Time>,
    input: InputRow,
    log: Log,
}

impl Birth {
    fn of(new: &NewJob, now: Timestamp, hinted: bool) -> Result<Self, Fault> {
        let (job, recorded) = create(new, now)?;
        let mut log = Log::new(*job.id.as_uuid(), Vec::new());
        let events = recorded.iter().map(|event| log.record(&job, event, None));
        let events = events.collect::<Result<Vec<_>, _>>()?;
        log.fold.keep(&new.carried)?;
        let row = JobAndHolder { job, holder: None, usage: contracts::job::Usage::default() };
        Ok(Self {
            life: LifeRow::of(&row)?,
            birth: BirthRow::of(&row.job)?,
            hinted_at: hinted.then_some(Time(now)),
            input: InputRow {
                job_id: *row.job.id.as_uuid(),
                company_name: new.submission.company_name.clone(),
                labels: serde_json::to_string(&labels(&new.submission.labels)?)?,
                submission: serde_json::to_string(&new.submission)?,
                retry_of: new.retry_of.map(|id| *id.as_uuid()),
            },
            log,
            committed: Committed { job: row.job, events },
        })
    }
}

/// The job with its log: `job.created`, then what tells of the steps taken over.
fn create(new: &NewJob, now: Timestamp) -> Result<(Job, Vec<Recorded>), Fault> {
    let (job, created) = Job::create(new.identity.clone(), new.created(now), now);
    if new.carried_events.is_empty() {
        return Ok((job, vec![created]));
    }
    let mut recorded = vec![created];
    for (version, body) in (2..).zip(&new.carried_events) {
        if body.kind().starts_with("job.") {
            return Err(Fault::Unstorable("a carried event that is not of a step"));
        }
        recorded.push(Recorded { version, time: now, attempt: 0, body: body.clone() });
    }
    let job = Job::replay(new.identity.clone(), &recorded)
        .map_err(|_| Fault::Unstorable("a log that cannot be replayed"))?;
    Ok((job, recorded))
}

/// The new jobs of a batch, a statement a table.
#[derive(Default)]
struct Births {
    lives: LifeColumns,
    births: BirthColumns,
    hinted_at: Vec<Option<Time>>,
    inputs: InputColumns,
    logs: LogWrites,
}

impl Births {
    fn push(&mut self, new: Birth) {
        self.lives.push(new.life);
        self.births.push(new.birth);
        self.hinted_at.push(new.hinted_at);
        self.inputs.push(new.input);
        self.logs.push(new.log);
    }

    fn queries(&self) -> Vec<Query<'_>> {
        if self.lives.rows() == 0 {
            return Vec::new();
        }
        let mut parameters = self.lives.parameters();
        parameters.extend(self.births.parameters());
        parameters.push(&self.hinted_at);
        let mut queries = vec![
            Query::new(sql::INSERT_JOBS, parameters),
            Query::new(sql::INSERT_INPUTS, self.inputs.parameters()),
        ];
        queries.extend(self.logs.queries());
        queries
    }
}
