use std::fmt::Write as _;

use contracts::{Code, Problem};

use super::plain;

/// A problem in its own words, with its code, what is behind it, and whether trying again helps.
pub(crate) fn problem(problem: &Problem) -> String {
    let mut text = format!("{} ({}): {}", problem.title, problem.code, problem.detail);
    if let Some(cause) = &problem.cause {
        let _ = write!(text, "\nThe last failure ({}): {}", cause.code, cause.detail);
    }
    for error in &problem.errors {
        let _ = write!(text, "\n  {} {}", error.pointer, error.detail);
    }
    match (problem.retryable, problem.retry_after_s) {
        (Some(true), Some(seconds)) => {
            let _ = write!(text, "\nTrying again may help, after {seconds} s.");
        }
        (Some(true), None) => text.push_str("\nTrying again may help."),
        (None, _) => text.push_str("\nWhether trying again helps is not known."),
        (Some(false), _) => {}
    }
    if problem.code == Code::Internal && !problem.trace_id.is_empty() {
        let _ = write!(text, "\nIts trace is {}.", problem.trace_id);
    }
    plain(&text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{FieldError, Origin};

    #[test]
    fn a_problem_says_what_is_wrong_where_and_whether_to_try_again() {
        let mut refused = Problem::new(Code::InvalidRequest, Origin::Client, "See errors.");
        let detail = "there is no such model".to_owned();
        refused.errors.push(FieldError { pointer: "/model".to_owned(), detail });
        assert_eq!(
            problem(&refused),
            "The request is invalid (invalid_request): See errors.\n  /model there is no such model"
        );
        let busy = Problem::new(Code::CapacityReduced, Origin::Gateway, "Busy\u{7}.");
        let busy = Problem { retry_after_s: Some(3), ..busy };
        assert!(problem(&busy).ends_with("Busy\u{fffd}.\nTrying again may help, after 3 s."));
    }
}
