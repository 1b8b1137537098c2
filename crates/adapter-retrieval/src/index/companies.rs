//! Which of the indexed companies a question names.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use engine::analysis::plan::names_company;
use tantivy::{DocAddress, Searcher};

use super::cache::CacheError;
use super::schema::COMPANY_KEY;

/// The keys of companies that a question names, among those of these entries.
pub(super) fn named(
    searcher: &Searcher,
    entries: &HashSet<DocAddress>,
    question: &str,
) -> Result<BTreeSet<String>, CacheError> {
    let mut keys = keys(searcher, entries)?;
    keys.retain(|key| names_company(question, key));
    Ok(keys)
}

/// The keys of these entries' companies, read from a column: there may be one entry a document.
fn keys(
    searcher: &Searcher,
    entries: &HashSet<DocAddress>,
) -> Result<BTreeSet<String>, CacheError> {
    let mut of_segment: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for address in entries {
        of_segment.entry(address.segment_ord).or_default().insert(address.doc_id);
    }
    let mut keys = BTreeSet::new();
    for (segment, entries) in of_segment {
        let column = searcher.segment_reader(segment).fast_fields().str(COMPANY_KEY)?;
        let column = column.ok_or_else(|| CacheError::Damaged("no companies".to_owned()))?;
        let ordinals: BTreeSet<u64> =
            entries.iter().flat_map(|entry| column.term_ords(*entry)).collect();
        for ordinal in ordinals {
            let mut key = String::new();
            column.ord_to_str(ordinal, &mut key)?;
            keys.insert(key);
        }
    }
    Ok(keys)
}
