//! Ending jobs at their clients' wish, or because their time is over.

use contracts::TenantId;
use engine::job::Change;
use engine::ports::{Cancelled, Committed};

use super::asked::Decide;
use super::draft::Draft;
use crate::fault::Fault;

/// A client's wish to end a job.
pub(crate) struct Cancel {
    pub(crate) tenant: TenantId,
    pub(crate) reason: Option<String>,
}

impl Decide for Cancel {
    /// The answer, and what was committed of a job that turned out to be overdue.
    type Answer = (Option<Cancelled>, Option<Committed>);

    fn decide(&mut self, job: Option<&mut Draft>) -> Result<Self::Answer, Fault> {
        let Some(draft) = job else { return Ok((None, None)) };
        if draft.row.job.tenant != self.tenant {
            return Ok((None, None));
        }
        let late = end_if_overdue(draft)?;
        let cancel = Change::RequestCancel { reason: self.reason.clone() };
        let cancelled = match draft.change(cancel)? {
            Ok(events) => Cancelled { committed: draft.committed(events), refused: None },
            Err(refusal) => {
                Cancelled { committed: draft.committed(Vec::new()), refused: Some(refusal) }
            }
        };
        Ok((Some(cancelled), late))
    }
}

/// A look at the clock, by whoever reads a job that is overdue.
pub(crate) struct EndIfOverdue;

impl Decide for EndIfOverdue {
    type Answer = Option<Committed>;

    fn decide(&mut self, job: Option<&mut Draft>) -> Result<Self::Answer, Fault> {
        job.map_or(Ok(None), end_if_overdue)
    }
}

/// Ends a job whose deadline has passed; the next sweep tells of it.
fn end_if_overdue(draft: &mut Draft) -> Result<Option<Committed>, Fault> {
    let Ok(events) = draft.change(Change::PassDeadline)? else { return Ok(None) };
    Ok(draft.committed(events).unless_empty())
}
