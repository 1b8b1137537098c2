//! Accepting jobs.

mod birth;
mod earlier;

use contracts::{JobId, TenantId, Timestamp};
use engine::ports::{NewJob, StoreError, Submitted};
use tokio::sync::oneshot;
use uuid::Uuid;

use self::birth::{Birth, Births};
use self::earlier::{Asked, Earlier, Found};
use crate::database::{Database, Unfinished};
use crate::fault::Fault;
use crate::group_commit::{Commit, Lane, Request};

/// Accepts a job, through its lane.
pub(crate) async fn submit(lane: &Lane<Submissions>, new: NewJob) -> Result<Submitted, StoreError> {
    // What cannot be stored is refused here, before it has taken a key.
    let rehearsed = Birth::of(&new, Timestamp::from_millis(0), false)?;
    let bytes = rehearsed.request_bytes() + ROW_BYTES;
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

impl Submission {
    fn decide(&mut self, found: &mut Found, births: &mut Births) -> Result<Submitted, Fault> {
        let identity = &self.new.identity;
        let earlier = found.earlier.get(identity.id.as_uuid()).ok_or(Fault::Corrupt("answer"))?;
        if let Some(before) = self.found_before(earlier)? {
            return Ok(before);
        }
        let hinted = found.has_room(&identity.tenant, self.new.hint_window);
        let birth = Birth::of(&self.new, found.now, hinted)?;
        let created = Submitted::Created { committed: birth.committed().clone(), hinted };
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
                Ok(Some(Submitted::Replayed(JobId::from_uuid(id))))
            }
            Some(_) => Ok(Some(Submitted::KeyReused)),
            None if earlier.is_key_gone => Ok(Some(Submitted::KeyGone)),
            None => Err(Fault::Corrupt("key")),
        }
    }
}
