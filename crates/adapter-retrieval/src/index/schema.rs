//! The index's fields, and a passage as an entry of it.

use contracts::{DocumentId, TenantId};
use engine::analysis::plan::DocumentType;
use engine::company_key;
use engine::ports::{RetrievedPassage, StoredDocument};
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing,
    TextOptions, Value as _,
};
use tantivy::{TantivyDocument, Term};

use super::profile::Profile;
use super::tokens::ENGLISH;

/// Changes whenever an index written before could be misread: fields, tokens, or what the reader
/// makes of what a document is.
pub(super) const VERSION: u32 = 3;

/// The name of the field that [`Fields::company_key`] is, to read it as a column.
pub(super) const COMPANY_KEY: &str = "company_key";

/// The index's fields.
///
/// Tenant, company and document are filters: callers give them, and nothing else may hide a
/// passage. Text, headings, table head, title and company are searched. The document's years,
/// quarter and type are signals of the ranking: what is read off a title or a cover may be wrong,
/// and then must cost a passage its rank at the most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    pub(super) tenant: Field,
    pub(super) company_key: Field,
    pub(super) document_id: Field,
    /// Tenant and document in one: what an entry is deleted by.
    document_key: Field,
    /// Set in the first entry of each document: counts documents.
    pub(super) is_first: Field,
    /// Fiscal years that the whole document is about.
    years: Field,
    /// The fiscal quarter that the whole document is about.
    quarter: Field,
    document_type: Field,
    page: Field,
    ordinal: Field,
    pub(super) title: Field,
    pub(super) heading: Field,
    pub(super) table_head: Field,
    pub(super) text: Field,
    pub(super) company: Field,
    url: Field,
    content_sha256: Field,
}

impl Fields {
    /// The schema, with its fields.
    pub(super) fn schema() -> (Schema, Self) {
        let words = TextFieldIndexing::default()
            .set_tokenizer(ENGLISH)
            .set_index_option(IndexRecordOption::WithFreqs);
        let words = TextOptions::default().set_indexing_options(words).set_stored();
        let mut schema = Schema::builder();
        let fields = Self {
            tenant: schema.add_text_field("tenant", STRING),
            company_key: schema.add_text_field(COMPANY_KEY, STRING | FAST),
            document_id: schema.add_text_field("document_id", STRING | STORED),
            document_key: schema.add_text_field("document_key", STRING),
            is_first: schema.add_bool_field("is_first", INDEXED),
            years: schema.add_u64_field("years", STORED),
            quarter: schema.add_u64_field("quarter", STORED),
            document_type: schema.add_text_field("document_type", STORED),
            page: schema.add_u64_field("page", STORED),
            ordinal: schema.add_u64_field("ordinal", STORED),
            title: schema.add_text_field("title", words.clone()),
            heading: schema.add_text_field("heading", words.clone()),
            table_head: schema.add_text_field("table_head", words.clone()),
            text: schema.add_text_field("text", words.clone()),
            company: schema.add_text_field("company", words),
            url: schema.add_text_field("url", STORED),
            content_sha256: schema.add_text_field("content_sha256", STORED),
        };
        (schema.build(), fields)
    }

    /// The fields in which words are looked for: text, headings, table head, title, company.
    pub(super) const fn words(&self) -> [Field; 5] {
        [self.text, self.heading, self.table_head, self.title, self.company]
    }

    /// What all entries of a tenant carry.
    pub(super) fn tenant_term(&self, tenant: &TenantId) -> Term {
        Term::from_field_text(self.tenant, tenant.as_str())
    }

    /// What all entries of a document carry, and no others.
    pub(super) fn document_term(&self, tenant: &TenantId, document_id: DocumentId) -> Term {
        Term::from_field_text(self.document_key, &document_key(tenant, document_id))
    }

    /// The entries of a document, one a passage.
    pub(super) fn entries<'a>(
        &'a self,
        tenant: &'a TenantId,
        stored: &'a StoredDocument,
    ) -> impl Iterator<Item = TantivyDocument> + 'a {
        let document = &stored.document;
        let document_id = document.id.to_string();
        let document_key = document_key(tenant, document.id);
        let company_key = company_key(&document.company);
        let profile = Profile::of(&document.title, &stored.passages);
        (0_u64..).zip(&stored.passages).map(move |(ordinal, passage)| {
            let mut entry = TantivyDocument::default();
            entry.add_text(self.tenant, tenant.as_str());
            entry.add_text(self.company_key, &company_key);
            entry.add_text(self.document_id, &document_id);
            entry.add_text(self.document_key, &document_key);
            entry.add_bool(self.is_first, ordinal == 0);
            for year in &profile.years {
                entry.add_u64(self.years, u64::from(*year));
            }
            if let Some(quarter) = profile.quarter {
                entry.add_u64(self.quarter, u64::from(quarter));
            }
            if let Some(document_type) = profile.document_type {
                entry.add_text(self.document_type, document_type.as_str());
            }
            if let Some(page) = passage.page {
                entry.add_u64(self.page, u64::from(page));
            }
            entry.add_u64(self.ordinal, ordinal);
            entry.add_text(self.title, &document.title);
            entry.add_text(self.heading, &passage.heading);
            entry.add_text(self.table_head, &passage.table_head);
            entry.add_text(self.text, &passage.text);
            entry.add_text(self.company, &document.company);
            if let Some(url) = &document.url {
                entry.add_text(self.url, url);
            }
            entry.add_text(self.content_sha256, &document.content_sha256);
            entry
        })
    }

    /// Reads an entry back; `None` if it is not one of ours.
    pub(super) fn candidate(&self, entry: &TantivyDocument, score: f32) -> Option<Candidate> {
        let text = |field| entry.get_first(field).and_then(|value| value.as_str());
        let number = |field| entry.get_first(field).and_then(|value| value.as_u64());
        let passage = RetrievedPassage {
            document_id: text(self.document_id)?.parse().ok()?,
            title: text(self.title)?.to_owned(),
            company: text(self.company)?.to_owned(),
            url: text(self.url).map(str::to_owned),
            content_sha256: text(self.content_sha256)?.to_owned(),
            page: number(self.page).and_then(|page| u32::try_from(page).ok()),
            heading: text(self.heading)?.to_owned(),
            table_head: text(self.table_head)?.to_owned(),
            text: text(self.text)?.to_owned(),
            score: f64::from(score),
        };
        let years = entry.get_all(self.years).filter_map(|year| year.as_u64());
        let profile = Profile {
            years: years.filter_map(|year| u16::try_from(year).ok()).collect(),
            quarter: number(self.quarter).and_then(|quarter| u8::try_from(quarter).ok()),
            document_type: text(self.document_type).and_then(DocumentType::named),
        };
        Some(Candidate { passage, ordinal: number(self.ordinal)?, profile, is_named: false })
    }
}

/// A passage that may be among the answer's.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The passage, scored by its words.
    pub(super) passage: RetrievedPassage,
    /// Its place among the passages of its document.
    pub(super) ordinal: u64,
    /// What its document is.
    pub(super) profile: Profile,
    /// Whether the question names its company.
    pub(super) is_named: bool,
}

fn document_key(tenant: &TenantId, document_id: DocumentId) -> String {
    format!("{}/{document_id}", tenant.as_str())
}
