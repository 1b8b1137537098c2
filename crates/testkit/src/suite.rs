//! How a suite becomes tests.

/// Makes one test of each rule. Used by the suites' macros, not by adapters.
///
/// The harness must be named by an absolute path (`crate::…`), because each group of rules becomes
/// a module of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! rules {
    ($harness:ty, $suite:ident, $trait:ident, $($group:ident { $($rule:ident,)* })*) => {
        $(mod $group {
            $(
                #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    if !<$harness as $crate::$suite::$trait>::is_available() {
                        return;
                    }
                    let harness = <$harness as $crate::$suite::$trait>::start().await;
                    $crate::$suite::$group::$rule(&harness).await;
                }
            )*
        })*
    };
}

/// The names of the rules in a file's source: its public asynchronous functions.
#[cfg(test)]
pub(crate) fn rules_in(source: &str) -> Vec<&str> {
    let lines = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
    lines.filter_map(|line| line.split('(').next()).collect()
}

/// Asserts that a suite's macro names every rule of a group.
#[cfg(test)]
pub(crate) fn assert_complete(suite: &str, group: &str, source: &str) {
    let rules = rules_in(source);
    assert!(!rules.is_empty(), "{group} has no rules");
    for rule in rules {
        let is_named = suite.lines().any(|line| line.trim() == format!("{rule},"));
        assert!(is_named, "{group}::{rule} is not in the suite");
    }
}
