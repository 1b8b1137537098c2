//! `promtool`, which comes with Prometheus and asks no server: whether expressions can be read, and
//! whether each alert fires where its test says so.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde_json::json;

use super::{alerts, prometheus};

/// What one run may take, in seconds.
const RUN_MAX_S: &str = "60";
/// What a dashboard's variables stand for while it is read.
const VARIABLES: [(&str, &str); 3] =
    [("$__rate_interval", "5m"), ("$namespace", ".*"), ("$instance", ".*")];

/// A promtool that can be run.
pub(super) struct Promtool;

impl Promtool {
    /// `None` where there is none.
    pub(super) fn find() -> Option<Self> {
        let mut command = Command::new("promtool");
        command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success()).then_some(Self)
    }

    /// What it says against Prometheus's configuration, the alerts, their tests, and a dashboard's
    /// expressions.
    ///
    /// # Errors
    /// If it cannot be run.
    pub(super) fn findings(
        &self,
        root: &Path,
        expressions: &[String],
    ) -> anyhow::Result<Vec<String>> {
        let mut found = Vec::new();
        for (verb, what, file) in [
            ("check", "config", prometheus::PROMETHEUS),
            ("check", "rules", alerts::FILE),
            ("test", "rules", alerts::TESTS),
        ] {
            found.extend(self.complaint(&[verb, what], &root.join(file))?);
        }
        // As rules that are evaluated by nobody: that is how it reads expressions.
        let mut rules = tempfile::NamedTempFile::new().context("a file for a dashboard's rules")?;
        let rule = |(n, expression): (usize, &String)| json!({"record": format!("e{n}"), "expr": plain(expression)});
        let rules_of: Vec<_> = expressions.iter().enumerate().map(rule).collect();
        let all = json!({"groups": [{"name": "dashboard", "rules": rules_of}]});
        writeln!(rules, "{all}").context("a dashboard's rules")?;
        found.extend(self.complaint(&["check", "rules"], rules.path())?);
        Ok(found)
    }

    /// What it says of a file, if it does not accept it.
    fn complaint(&self, verb: &[&str], file: &Path) -> anyhow::Result<Option<String>> {
        let mut command = Command::new("timeout");
        command.args([RUN_MAX_S, "promtool"]).args(verb).arg(file).stdin(Stdio::null());
        let output = command.output().context("promtool cannot be started")?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        Ok((!output.status.success()).then(|| format!("promtool {}: {said}", verb.join(" "))))
    }
}

/// An expression without a dashboard's variables.
fn plain(expression: &str) -> String {
    let replace = |text: String, (variable, value): (&str, &str)| text.replace(variable, value);
    VARIABLES.into_iter().fold(expression.to_owned(), replace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_that_cannot_be_read_is_found() {
        let Some(promtool) = Promtool::find() else {
            let test = "an_expression_that_cannot_be_read_is_found";
            crate::skip(test, "promtool is not installed (Debian: apt-get install prometheus)");
            return;
        };
        let root = crate::repository();
        let good = "rate(assay_jobs_created_total{namespace=~\"$namespace\"}[$__rate_interval])";
        assert_eq!(promtool.findings(&root, &[good.to_owned()]).unwrap(), [""; 0]);
        let bad = good.replace("])", "]");
        let found = promtool.findings(&root, &[good.to_owned(), bad]).unwrap();
        assert!(found.len() == 1 && found[0].contains("unclosed left paren"), "{found:?}");
    }
}
