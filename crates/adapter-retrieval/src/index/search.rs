//! Asks the index: which passages share words with the searches of a plan.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use engine::analysis::Plan;
use engine::company_key;
use engine::ports::RetrievalQuery;
use tantivy::collector::{Count, DocSetCollector, TopDocs};
use tantivy::query::{
    Bm25StatisticsProvider, BooleanQuery, BoostQuery, ConstScoreQuery, Occur, Query, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, Searcher, TantivyDocument, Term};

use super::cache::CacheError;
use super::companies;
use super::schema::{Candidate, Fields};
use super::tokens::stems;

/// Passages that one search adds.
const SEARCH_LIMIT: usize = 200;
/// Passages that are ranked closely.
const CANDIDATES_MAX: usize = 250;
/// Different words of one search.
const WORDS_MAX: usize = 48;
/// What a match in the passage's headings counts, relative to its text.
const HEADING_BOOST: f32 = 0.7;
/// What a match in the head of the passage's table counts, relative to its text.
const TABLE_HEAD_BOOST: f32 = 0.7;
/// What a match in the document's title counts, relative to the passage's text.
const TITLE_BOOST: f32 = 0.3;
/// What a match in the company's name counts, relative to the passage's text. Within one company it
/// counts next to nothing: every passage has it.
const COMPANY_BOOST: f32 = 0.3;
/// Words in a typical passage, its headings, table head, title and company: what BM25 holds their
/// lengths against. They are constants, so that no score depends on documents outside the query's
/// filters.
const TYPICAL_WORDS: [u64; 5] = [150, 15, 8, 4, 2];

/// What the index holds for a query.
pub(super) struct Found {
    /// How many documents the filters leave.
    pub(super) documents: usize,
    /// Passages that share words with the plan, in no order.
    pub(super) candidates: Vec<Candidate>,
}

/// Runs the searches of a plan. A passage's score is the sum over the searches of its BM25 score,
/// relative to that search's best, times the search's weight.
///
/// Where no company is given and the question names one, the searches run within that company too,
/// so that its passages are weighed against each other; the others stay candidates, because a
/// company's name may be a word that means something else.
pub(super) fn search(
    searcher: &Searcher,
    fields: &Fields,
    query: &RetrievalQuery,
) -> Result<Found, CacheError> {
    let scope = scope(fields, query);
    let first =
        TermQuery::new(Term::from_field_bool(fields.is_first, true), IndexRecordOption::Basic);
    let first = within(&scope, Box::new(first));
    if query.company.is_some() {
        let documents = searcher.search(&first, &Count)?;
        let candidates = Search { searcher, fields }.candidates(&scope, &query.plan)?;
        return Ok(Found { documents, candidates });
    }
    let entries = searcher.search(&first, &DocSetCollector)?;
    let named = companies::named(searcher, &entries, &query.question)?;
    let search = Search { searcher, fields };
    let mut candidates = Vec::new();
    if !named.is_empty() {
        let plan =
            named.iter().fold(query.plan.clone(), |plan, company| plan.without_company(company));
        candidates = search.candidates(&of_companies(fields, &scope, &named), &plan)?;
        for candidate in &mut candidates {
            candidate.is_named = true;
        }
    }
    let mut plan = query.plan.clone();
    if !named.is_empty() {
        // The question's own words decide whether the name means something else.
        plan.queries.truncate(1);
    }
    let others = search.candidates(&scope, &plan)?;
    let is_other = |other: &Candidate| !named.contains(&company_key(&other.passage.company));
    candidates.extend(others.into_iter().filter(is_other));
    Ok(Found { documents: entries.len(), candidates })
}

/// An index that is searched.
struct Search<'a> {
    searcher: &'a Searcher,
    fields: &'a Fields,
}

impl Search<'_> {
    /// The passages of a scope that share words with a plan.
    fn candidates(&self, scope: &BooleanQuery, plan: &Plan) -> Result<Vec<Candidate>, CacheError> {
        let Self { searcher, fields } = *self;
        let passages = searcher.search(scope, &Count)? as u64;
        let known = RefCell::default();
        let statistics = ScopeStatistics { searcher, fields, scope, passages, known };
        let mut scores: HashMap<DocAddress, f32> = HashMap::new();
        for sub_query in plan.queries.iter().filter(|_| passages > 0) {
            let words: BTreeSet<String> =
                stems(&sub_query.text).into_iter().take(WORDS_MAX).collect();
            let any = within(scope, Box::new(any_word(fields, &words)));
            let top = TopDocs::with_limit(SEARCH_LIMIT).order_by_score();
            let found = searcher.search_with_statistics_provider(&any, &top, &statistics)?;
            let best = found.first().map_or(1.0, |(score, _)| *score).max(f32::MIN_POSITIVE);
            for (score, address) in found {
                *scores.entry(address).or_default() += sub_query.weight * score / best;
            }
        }
        let mut scores: Vec<(DocAddress, f32)> = scores.into_iter().collect();
        scores.sort_by(|(a, score_a), (b, score_b)| score_b.total_cmp(score_a).then(a.cmp(b)));
        scores.truncate(CANDIDATES_MAX);
        let mut candidates = Vec::with_capacity(scores.len());
        for (address, score) in scores {
            let entry: TantivyDocument = searcher.doc(address)?;
            let candidate = fields.candidate(&entry, score);
            candidates.push(candidate.ok_or_else(|| CacheError::Damaged("an entry".to_owned()))?);
        }
        Ok(candidates)
    }
}

/// The entries that the query's filters leave.
fn scope(fields: &Fields, query: &RetrievalQuery) -> BooleanQuery {
    let mut filters = vec![exactly(fields.tenant_term(&query.tenant))];
    if let Some(company) = &query.company {
        let key = company_key(company);
        filters.push(exactly(Term::from_field_text(fields.company_key, &key)));
    }
    if let Some(ids) = &query.document_ids {
        let ids = ids.iter().map(|id| Term::from_field_text(fields.document_id, &id.to_string()));
        filters.push(Box::new(BooleanQuery::union(ids.map(exactly).collect())));
    }
    BooleanQuery::intersection(filters)
}

/// The entries of a scope that are about one of these companies.
fn of_companies(
    fields: &Fields,
    scope: &BooleanQuery,
    companies: &BTreeSet<String>,
) -> BooleanQuery {
    let companies = companies.iter().map(|key| Term::from_field_text(fields.company_key, key));
    let companies = BooleanQuery::union(companies.map(exactly).collect());
    BooleanQuery::intersection(vec![Box::new(scope.clone()), Box::new(companies)])
}

fn exactly(term: Term) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

/// The entries of a scope that match, scored by the match alone.
fn within(scope: &BooleanQuery, matching: Box<dyn Query>) -> BooleanQuery {
    let scope = ConstScoreQuery::new(Box::new(scope.clone()), 0.0);
    BooleanQuery::new(vec![(Occur::Must, Box::new(scope)), (Occur::Must, matching)])
}

fn any_word(fields: &Fields, words: &BTreeSet<String>) -> BooleanQuery {
    let boosts = [1.0, HEADING_BOOST, TABLE_HEAD_BOOST, TITLE_BOOST, COMPANY_BOOST];
    let boosts: Vec<(Field, f32)> = fields.words().into_iter().zip(boosts).collect();
    let clauses = words.iter().flat_map(|word| {
        boosts.iter().map(move |(field, boost)| -> Box<dyn Query> {
            let term = Term::from_field_text(*field, word);
            let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
            Box::new(BoostQuery::new(Box::new(query), *boost))
        })
    });
    BooleanQuery::union(clauses.collect())
}

/// Counts words within a scope: what other tenants store must change no score.
struct ScopeStatistics<'a> {
    searcher: &'a Searcher,
    fields: &'a Fields,
    scope: &'a BooleanQuery,
    passages: u64,
    /// What was counted before: the searches of a plan share words.
    known: RefCell<HashMap<Term, u64>>,
}

impl ScopeStatistics<'_> {
    fn typical_words(&self, field: Field) -> Option<u64> {
        self.fields
            .words()
            .iter()
            .position(|known| *known == field)
            .map(|index| TYPICAL_WORDS[index])
    }
}

impl Bm25StatisticsProvider for ScopeStatistics<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        Ok(self.passages * self.typical_words(field).unwrap_or(1))
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        Ok(self.passages)
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        if self.typical_words(term.field()).is_none() {
            // A filter: its score is thrown away.
            return Ok(1);
        }
        if let Some(count) = self.known.borrow().get(term) {
            return Ok(*count);
        }
        let matching = within(self.scope, exactly(term.clone()));
        let count = self.searcher.search(&matching, &Count)? as u64;
        self.known.borrow_mut().insert(term.clone(), count);
        Ok(count)
    }
}
