//! Evaluates retrieval over a folder of filings and questions: what `cargo xtask eval` runs.

use std::io::{Write, stderr, stdout};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use evaluation::corpus::Corpus;
use evaluation::questions::{self, Question};
use evaluation::report::{Ablation, Report};
use evaluation::trial::{Filter, Outcome, Reading, Trial};

/// How often, and how high, retrieval finds the pages that hold the answers.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask eval")]
struct Args {
    /// A folder with questions.jsonl and pages.jsonl.gz.
    folder: PathBuf,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Says on stderr at which rank each of the folder's questions finds its first evidence.
    #[arg(long)]
    each: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let questions = questions::read(&args.folder)?;
    let corpus = Corpus::read(&args.folder)?;
    progress(&format!("taking in {} pages of {} filings", corpus.pages, corpus.filings.len()))?;
    let trial = Trial::begin(&corpus).await?;
    let report = evaluate(&trial, &questions).await?;
    if args.each {
        each(&questions, &report.retrieval)?;
    }
    let mut out = stdout().lock();
    if args.json {
        writeln!(out, "{:#}", report.to_json())?;
    } else {
        write!(out, "{report}")?;
    }
    out.flush().context("stdout is closed")
}

async fn evaluate(trial: &Trial, questions: &[Question]) -> anyhow::Result<Report> {
    let held_out = questions::held_out()?;
    let held_out: Vec<Question> = held_out.into_iter().filter(|one| trial.has(one)).collect();
    let mut ablations = Vec::new();
    for (name, questions, reading) in [
        ("retrieval_without_signals", questions, Reading::Searches),
        ("retrieval_by_words_alone", questions, Reading::Words),
        ("held_out_without_signals", &held_out, Reading::Searches),
        ("held_out_by_words_alone", &held_out, Reading::Words),
    ] {
        ablations.push(Ablation { name, outcomes: ask(trial, questions, reading).await? });
    }
    Ok(Report {
        ingestion: trial.ingestion,
        retrieval: ask(trial, questions, Reading::Full).await?,
        held_out: ask(trial, &held_out, Reading::Full).await?,
        ablations,
    })
}

async fn ask(
    trial: &Trial,
    questions: &[Question],
    reading: Reading,
) -> anyhow::Result<Vec<Outcome>> {
    progress(&format!("asking {} questions", questions.len()))?;
    let mut outcomes = Vec::with_capacity(Filter::ALL.len());
    for filter in Filter::ALL {
        outcomes.push(trial.ask(questions, filter, reading).await?);
    }
    Ok(outcomes)
}

fn each(questions: &[Question], outcomes: &[Outcome]) -> anyhow::Result<()> {
    for (index, question) in questions.iter().enumerate() {
        let rank = |outcome: &Outcome| {
            let rank = outcome.ranks[index].map_or("-".to_owned(), |rank| rank.to_string());
            format!("{} {rank:>2}", outcome.filter.name())
        };
        let ranks: Vec<String> = outcomes.iter().map(rank).collect();
        progress(&format!("{}  {}", ranks.join("  "), question.id))?;
    }
    Ok(())
}

/// Says on stderr what is being done: stdout has the report alone.
fn progress(what: &str) -> anyhow::Result<()> {
    writeln!(stderr(), "{what}").context("stderr is closed")
}
