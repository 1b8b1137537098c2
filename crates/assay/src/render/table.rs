use console::Term;
use contracts::{Job, truncate_chars};

use super::{one_line, time};

/// A list of jobs, a line each. On a terminal no line is longer than it is wide.
pub(crate) struct Table {
    width: Option<usize>,
}

/// The company's column; a longer name is cut.
const COMPANY_CHARS: usize = 20;

impl Table {
    /// A table for standard output.
    pub(crate) fn for_stdout() -> Self {
        let terminal = Term::stdout();
        let size = terminal.is_term().then(|| terminal.size_checked()).flatten();
        Self { width: size.map(|(_, columns)| usize::from(columns)) }
    }

    pub(crate) fn head(&self) -> String {
        self.row(["ID", "STATE", "CREATED", "COMPANY", "QUESTION"])
    }

    pub(crate) fn job(&self, job: &Job) -> String {
        let (id, created) = (job.id.to_string(), time(job.created_at));
        let (company, question) = (one_line(&job.company_name), one_line(&job.question));
        self.row([&id, job.state.as_str(), &created, &company, &question])
    }

    fn row(&self, [id, state, created, company, question]: [&str; 5]) -> String {
        let company = cut(company, COMPANY_CHARS);
        let row = format!("{id:<36}  {state:<10}  {created:<20}  {company:<20}  {question}");
        match self.width {
            Some(width) => cut(&row, width),
            None => row,
        }
    }
}

/// The text, or its beginning where it has more characters than this.
fn cut(text: &str, max: usize) -> String {
    let is_longer = text.chars().nth(max).is_some();
    match is_longer {
        true => format!("{}…", truncate_chars(text, max.saturating_sub(1))),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_row_is_wider_than_the_terminal(
            company in "\\PC{0,40}", question in "\\PC{0,200}", width in 1_usize..200,
        ) {
            let table = Table { width: Some(width) };
            let row = table.row(["id", "queued", "now", &company, &question]);
            prop_assert!(row.chars().count() <= width);
        }
    }

    #[test]
    fn a_pipe_gets_the_whole_question() {
        let question = "why ".repeat(100);
        assert!(Table { width: None }.row(["", "", "", "", &question]).ends_with(&question));
    }
}
