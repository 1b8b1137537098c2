//! Filings taken in as `assay ingest` takes them in, and questions put to their retriever.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use assay::config::Config;
use assay::embedded::Embedded;
use assay::system::{self, Settings, System};
use contracts::{DocumentId, DocumentState, JobId};
use engine::analysis::Plan;
use engine::analysis::plan::{SubQuery, plan};
use engine::ports::{CallContext, MediaType, RetrievalQuery, RetrievedPassage};
use engine::services::NewFile;

use crate::corpus::{Corpus, Filing};
use crate::measure::{Place, RESULTS_MAX, Score, first_rank, percentile, results};
use crate::questions::Question;

/// Passages that are asked for. The ranking puts at most 3 of a page among them, so they are of
/// [`RESULTS_MAX`] pages or more, where there are so many.
const PASSAGES_MAX: usize = 3 * RESULTS_MAX;
/// What a query may take.
const QUERY_LIMIT: Duration = Duration::from_secs(60);

/// What a question is told of where its answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Nothing.
    All,
    /// The company.
    Company,
    /// The company and the filing.
    Document,
}

impl Filter {
    /// From the least that is told to the most.
    pub const ALL: [Self; 3] = [Self::All, Self::Company, Self::Document];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Company => "company",
            Self::Document => "document",
        }
    }
}

/// How much of what the planner makes of a question is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// All of it, as jobs do.
    Full,
    /// Its searches; nothing that the ranking adds signals for.
    Searches,
    /// Nothing: the question's words are searched as they are, ranked by BM25.
    Words,
}

/// A corpus in a temporary data folder, ready to be asked.
pub struct Trial {
    embedded: Embedded,
    documents: BTreeMap<String, DocumentId>,
    /// How long it took to get ready.
    pub ingestion: Ingestion,
    /// Goes last: the system writes into it.
    _folder: tempfile::TempDir,
}

/// How long it took to take a corpus in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ingestion {
    /// Filings.
    pub documents: usize,
    /// Pages that hold text.
    pub pages: usize,
    /// Accepting, reading and storing them.
    pub storing: Duration,
    /// The first query after that, which brings the index up to the store.
    pub indexing: Duration,
}

impl Ingestion {
    /// From the first filing accepted to all of them searchable.
    #[must_use]
    pub fn pages_per_second(&self) -> f64 {
        let took = self.storing + self.indexing;
        self.pages as f64 / took.as_secs_f64().max(f64::EPSILON)
    }
}

impl Trial {
    /// Takes a corpus in, in the same way as `assay ingest`.
    ///
    /// # Errors
    /// If there is no temporary folder, or a filing is not taken in.
    pub async fn begin(corpus: &Corpus) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let config = Config::with_data_dir(&folder.path().join("data"));
        let config = config.map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
        // The filings are trusted, and this program has no command to read them elsewhere.
        let settings = Settings { reading: system::Reading::Within, ..Settings::default() };
        let embedded = Embedded::open(&config, settings)?;
        let mut documents = BTreeMap::new();
        let begun = Instant::now();
        for filing in &corpus.filings {
            let id = take_in(&embedded.system, filing).await;
            let id = id.with_context(|| format!("{} is not taken in", filing.doc))?;
            documents.insert(filing.doc.clone(), id);
        }
        let (count, pages) = (documents.len(), corpus.pages);
        let storing = begun.elapsed();
        let ingestion = Ingestion { documents: count, pages, storing, indexing: Duration::ZERO };
        let mut trial = Self { embedded, documents, ingestion, _folder: folder };
        let begun = Instant::now();
        let words = plan("", "net sales");
        trial.retrieve(trial.query("net sales", words)).await?;
        trial.ingestion.indexing = begun.elapsed();
        Ok(trial)
    }

    /// Whether the filing that a question is about is there.
    #[must_use]
    pub fn has(&self, question: &Question) -> bool {
        self.documents.contains_key(&question.doc)
    }

    /// Asks questions one after the other.
    ///
    /// # Errors
    /// If one is about a filing that is not there, or cannot be asked.
    pub async fn ask(
        &self,
        questions: &[Question],
        filter: Filter,
        reading: Reading,
    ) -> anyhow::Result<Outcome> {
        let mut ranks = Vec::with_capacity(questions.len());
        let mut times = Vec::with_capacity(questions.len());
        for question in questions {
            let begun = Instant::now();
            let query = self.query_of(question, filter, reading)?;
            let found = self.retrieve(query).await;
            let found = found.with_context(|| format!("question {}", question.id))?;
            times.push(begun.elapsed());
            let places = found.iter().filter_map(place);
            ranks.push(first_rank(&results(places), &question.evidence()));
        }
        let score = Score::of(&ranks);
        let (median, p95) = (percentile(&times, 0.5), percentile(&times, 0.95));
        Ok(Outcome { filter, ranks, score, median, p95 })
    }

    /// The query of a question.
    fn query_of(
        &self,
        question: &Question,
        filter: Filter,
        reading: Reading,
    ) -> anyhow::Result<RetrievalQuery> {
        let (company, document) = match filter {
            Filter::All => (None, None),
            Filter::Company => (Some(&question.company), None),
            Filter::Document => {
                let id = self.documents.get(&question.doc);
                let id = id.with_context(|| {
                    format!("question {} is about {}, which has no page", question.id, question.doc)
                })?;
                (Some(&question.company), Some(vec![*id]))
            }
        };
        let planned = plan(company.map_or("", String::as_str), &question.question);
        let plan = match reading {
            Reading::Full => planned,
            Reading::Searches => Plan { queries: planned.queries, ..Plan::default() },
            Reading::Words => {
                let whole = SubQuery { text: question.question.clone(), weight: 1.0 };
                Plan { queries: vec![whole], ..Plan::default() }
            }
        };
        // Whom the question names is read from its words: a signal too.
        let words = if reading == Reading::Full { question.question.as_str() } else { "" };
        let mut query = self.query(words, plan);
        query.company = company.cloned();
        query.document_ids = document;
        Ok(query)
    }

    fn query(&self, question: &str, plan: Plan) -> RetrievalQuery {
        RetrievalQuery {
            tenant: self.embedded.system.tenant.clone(),
            company: None,
            document_ids: None,
            question: question.to_owned(),
            plan,
            limit: PASSAGES_MAX,
        }
    }

    async fn retrieve(&self, query: RetrievalQuery) -> anyhow::Result<Vec<RetrievedPassage>> {
        let call = CallContext { job_id: JobId::new(), attempt: 1, failures: 0, left: QUERY_LIMIT };
        Ok(self.embedded.system.retriever.retrieve(&call, &query).await?.passages)
    }
}

/// What became of a set of questions.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What they were told.
    pub filter: Filter,
    /// The rank of the first evidence of each, in their order.
    pub ranks: Vec<Option<usize>>,
    /// How well they did.
    pub score: Score,
    /// Half of the queries took no longer: planning and retrieving.
    pub median: Duration,
    /// 95 of 100 queries took no longer.
    pub p95: Duration,
}

/// Has a filing accepted, and waits until it was read.
async fn take_in(system: &System, filing: &Filing) -> anyhow::Result<DocumentId> {
    let accepted = system.ingest.accept(&system.tenant, file(filing)).await?;
    let document = system.ingest.finished(&system.tenant, accepted.id).await?;
    let document = document.context("it was deleted")?;
    anyhow::ensure!(document.state == DocumentState::Ready, "{:?}", document.error);
    Ok(document.id)
}

fn file(filing: &Filing) -> NewFile {
    NewFile {
        company: filing.company.clone(),
        title: filing.doc.clone(),
        url: None,
        published_on: None,
        media_type: MediaType::Text,
        bytes: filing.text().into_bytes(),
    }
}

/// The page that a passage begins on.
fn place(passage: &RetrievedPassage) -> Option<Place> {
    Some(Place { doc: passage.title.clone(), page: passage.page? })
}
