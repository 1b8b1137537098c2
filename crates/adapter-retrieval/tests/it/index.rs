//! The index is a cache of the store, and its filters are walls.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use contracts::TenantId;
use engine::ports::{Passage, RetrievalQuery, Retriever as _};

use crate::corpus::{Library, call, query, titles};

#[tokio::test]
async fn a_document_stored_is_seen_by_the_next_query() {
    let library = Library::new();
    assert_eq!(library.ask("Acme", "What are the dividends?").await.documents, 0);
    library.corpus.add("Acme", "first", "Acme paid a dividend of 5 cents.").await;
    let found = library.ask("Acme", "What are the dividends?").await;
    assert_eq!((titles(&found), found.documents, found.generation), (vec!["first"], 1, 1));
    library.corpus.add("Acme", "second", "Later dividends were higher.").await;
    let found = library.ask("Acme", "What are the dividends?").await;
    assert_eq!((found.passages.len(), found.documents, found.generation), (2, 2, 2));
}

#[tokio::test]
async fn a_document_removed_is_not_seen_by_the_next_query() {
    let library = Library::new();
    let first = library.corpus.add("Acme", "first", "Acme paid a dividend.").await;
    library.corpus.add("Acme", "second", "The dividend rose.").await;
    assert_eq!(library.ask("Acme", "dividend?").await.documents, 2);
    library.corpus.remove(first);
    let found = library.ask("Acme", "dividend?").await;
    assert_eq!((titles(&found), found.documents), (vec!["second"], 1));
}

#[tokio::test]
async fn one_word_finds_its_other_forms() {
    let library = Library::new();
    library.corpus.add("Acme", "paid", "A dividend of 5 cents was declared in May.").await;
    library.corpus.add("Acme", "other", "The weather was fine in May.").await;
    assert_eq!(titles(&library.ask("Acme", "Which dividends?").await), ["paid"]);
}

#[tokio::test]
async fn a_question_without_a_company_is_answered_about_the_one_that_it_names() {
    let library = Library::new();
    let text = "Dividends paid were 5 cents. Dividends rose.";
    for company in ["General Widgets", "Acme Tools", "Target"] {
        library.corpus.add(company, company, text).await;
    }
    let ask = |question: &str| RetrievalQuery { company: None, ..query("", question) };
    for (question, company) in [
        ("What dividends did Acme Tools pay?", "Acme Tools"),
        ("What dividends did GenWi pay?", "General Widgets"),
        ("What dividends did Target pay?", "Target"),
    ] {
        let found = library.retrieve(&ask(question)).await;
        assert_eq!((titles(&found)[0], found.documents), (company, 3), "{question}");
        assert_eq!(found.passages.len(), 3, "the others stay candidates: {question}");
    }
}

#[tokio::test]
async fn a_name_that_means_something_else_hides_no_better_passage() {
    let library = Library::new();
    library.corpus.add("Target", "retailer", "We sell groceries and clothes.").await;
    library.corpus.add("Acme", "maker", "Our target for emissions by 2030 is zero.").await;
    let question = "What is the target for emissions by 2030?";
    let query = RetrievalQuery { company: None, ..query("", question) };
    assert!(titles(&library.retrieve(&query).await).contains(&"maker"));
}

#[tokio::test]
async fn a_query_sees_its_own_tenant_and_is_not_moved_by_others() {
    let library = Library::new();
    let (mine, foreign) = (TenantId::default_tenant(), "rival".parse::<TenantId>().unwrap());
    let passage = |text: &str| {
        vec![Passage {
            page: Some(1),
            heading: String::new(),
            table_head: String::new(),
            text: text.to_owned(),
        }]
    };
    library.corpus.add("Acme", "mine", "Acme has 5 stores in Oslo.").await;
    library.corpus.add("Acme", "also mine", "Acme closed stores.").await;
    let before = library.ask("Acme", "How many stores in Oslo?").await;
    for _ in 0..20 {
        let text = "Acme has 7 stores in Oslo, and stores in Rome.";
        library.corpus.add_for(&foreign, "Acme", "foreign", passage(text)).await;
    }
    let theirs = RetrievalQuery { tenant: foreign, ..query("Acme", "How many stores in Oslo?") };
    let theirs = library.retrieve(&theirs).await;
    assert_eq!(theirs.documents, 20);
    assert!(titles(&theirs).iter().all(|title| *title == "foreign"));
    let ours = RetrievalQuery { tenant: mine, ..query("Acme", "How many stores in Oslo?") };
    assert_eq!(library.retrieve(&ours).await, before);
}

#[tokio::test]
async fn spellings_of_one_company_find_the_same_documents() {
    let library = Library::new();
    library.corpus.add("3M Company", "3m", "Net sales were 32,765.").await;
    library.corpus.add("3Mx", "other", "Net sales were 1.").await;
    for spelling in ["3M", "3m", "3M Co.", " 3M  Company "] {
        assert_eq!(titles(&library.ask(spelling, "net sales").await), ["3m"], "{spelling}");
    }
    let any = RetrievalQuery { company: None, ..query("3M", "net sales") };
    assert_eq!(library.retrieve(&any).await.documents, 2);
}

#[tokio::test]
async fn document_ids_restrict_a_query() {
    let library = Library::new();
    let first = library.corpus.add("Acme", "first", "Net sales were 1.").await;
    library.corpus.add("Acme", "second", "Net sales were 2.").await;
    let only = RetrievalQuery { document_ids: Some(vec![first]), ..query("Acme", "net sales") };
    let found = library.retrieve(&only).await;
    assert_eq!((titles(&found), found.documents), (vec!["first"], 1));
    let none = RetrievalQuery { document_ids: Some(Vec::new()), ..query("Acme", "net sales") };
    assert_eq!(library.retrieve(&none).await.documents, 0);
}

#[tokio::test]
async fn an_index_in_step_with_the_store_is_not_built_again() {
    let library = Library::new();
    library.corpus.add("Acme", "first", "Net sales were 1.").await;
    let before = library.ask("Acme", "net sales").await;
    let library = library.reopened();
    assert_eq!(library.ask("Acme", "net sales").await, before);
    assert_eq!(library.corpus.read.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_deleted_index_is_built_again() {
    let library = Library::new();
    library.corpus.add("Acme", "first", "Net sales were 1.").await;
    let before = library.ask("Acme", "net sales").await;
    std::fs::remove_dir_all(library.directory.path()).unwrap();
    let library = library.reopened();
    assert_eq!(library.ask("Acme", "net sales").await, before);
}

#[tokio::test]
async fn a_damaged_index_is_built_again() {
    let library = Library::new();
    library.corpus.add("Acme", "first", "Net sales were 1.").await;
    let before = library.ask("Acme", "net sales").await;
    let mut library = library;
    for rubbish in [&b""[..], b"rubbish", &[0xff; 4_096]] {
        for file in files(library.directory.path()) {
            library = library.reopened();
            if std::fs::write(&file, rubbish).is_err() {
                continue;
            }
            assert_eq!(library.ask("Acme", "net sales").await, before, "{}", file.display());
        }
    }
}

#[tokio::test]
async fn an_index_ahead_of_the_store_is_built_again() {
    let library = Library::new();
    library.corpus.add("Acme", "old 1", "Net sales were 1.").await;
    library.corpus.add("Acme", "old 2", "Net sales were 2.").await;
    assert_eq!(library.ask("Acme", "net sales").await.documents, 2);
    let Library { index, directory, .. } = library;
    drop(index);
    let library = Library::over(Arc::default(), directory);
    library.corpus.add("Acme", "new", "Net sales were 3.").await;
    assert_eq!(titles(&library.ask("Acme", "net sales").await), ["new"]);
}

#[tokio::test]
async fn an_index_of_another_store_of_the_same_generation_is_built_again() {
    let library = Library::new();
    library.corpus.add("Acme", "old", "Net sales were 1.").await;
    assert_eq!(library.ask("Acme", "net sales").await.documents, 1);
    let Library { index, directory, .. } = library;
    drop(index);
    let library = Library::over(Arc::default(), directory);
    library.corpus.add("Acme", "new", "Net sales were 3.").await;
    assert_eq!(titles(&library.ask("Acme", "net sales").await), ["new"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn queries_that_meet_a_stale_index_build_it_once() {
    let library = Arc::new(Library::new());
    for number in 0..40 {
        library.corpus.add("Acme", &number.to_string(), "Net sales were 1.").await;
    }
    let asking: Vec<_> = (0..16)
        .map(|_| {
            let library = Arc::clone(&library);
            tokio::spawn(async move { library.ask("Acme", "net sales").await.documents })
        })
        .collect();
    for asked in asking {
        assert_eq!(asked.await.unwrap(), 40);
    }
    assert_eq!(library.corpus.read.load(Ordering::Relaxed), 40);
}

#[tokio::test]
async fn a_query_given_up_halfway_leaves_every_passage_once() {
    let library = Library::new();
    for number in 0..30 {
        library.corpus.add("Acme", &number.to_string(), "Net sales were 1.").await;
    }
    for _ in 0..20 {
        let (call, query) = (call(), query("Acme", "net sales"));
        let asking = library.index.retrieve(&call, &query);
        // Polled once, then dropped.
        tokio::select! {
            biased;
            _ = asking => {}
            () = tokio::task::yield_now() => {}
        }
    }
    let all = RetrievalQuery { limit: 100, ..query("Acme", "net sales") };
    let found = library.retrieve(&all).await;
    assert_eq!((found.documents, found.passages.len()), (30, 30));
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}
