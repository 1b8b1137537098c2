//! The end of a document's reading.

use contracts::Document;
use engine::faults::{self, FINISH};
use engine::ports::{DocumentHold, Passage, ReadOutcome, StoreError};

use super::row::document;
use crate::database::{Database, Parameter, Query};
use crate::fault::{Fault, to_stored};
use crate::sql;
use crate::value::{Columns as _, table};

table! {
    /// A passage, within its document.
    PassageRow, PassageColumns {
        ordinal: i32,
        page: Option<i32>,
        heading: String,
        table_head: String,
        text: String,
    }
}

pub(super) async fn finish(
    database: &Database,
    hold: DocumentHold,
    outcome: &ReadOutcome,
) -> Result<Option<Document>, StoreError> {
    let epoch: i64 = to_stored(hold.epoch, "epoch")?;
    let (mut error, mut pages) = (None, None);
    let mut passages = PassageColumns::default();
    match outcome {
        ReadOutcome::Read(read) => {
            pages = read.pages.map(|pages| to_stored::<_, i32>(pages, "pages")).transpose()?;
            for (ordinal, passage) in (1_i32..).zip(&read.passages) {
                passages.push(row(ordinal, passage)?);
            }
        }
        ReadOutcome::Failed(problem) => {
            error = Some(serde_json::to_string(problem).map_err(Fault::from)?);
        }
    }
    let mut parameters: Vec<Parameter<'_>> = vec![hold.id.as_uuid(), &epoch, &error, &pages];
    parameters.extend(passages.parameters());
    faults::reach(FINISH.before);
    let rows = database.write_document(vec![Query::new(sql::FINISH_DOCUMENT, parameters)]).await?;
    faults::reach(FINISH.after);
    let ended = rows.first().and_then(|rows| rows.first());
    Ok(ended.map(document).transpose()?)
}

fn row(ordinal: i32, passage: &Passage) -> Result<PassageRow, Fault> {
    let page = passage.page.map(|page| to_stored(page, "page")).transpose()?;
    let Passage { heading, table_head, text, .. } = passage.clone();
    Ok(PassageRow { ordinal, page, heading, table_head, text })
}
