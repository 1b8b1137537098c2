use super::Finding;
use crate::config::{Config, Origin};

/// The settings themselves: wrong ones are told before any command runs.
pub(super) fn check(config: &Config) -> Finding {
    let count = |origin| config.shown().iter().filter(|shown| shown.origin == origin).count();
    let parts = [
        (Origin::File, "in the file"),
        (Origin::Environment, "in the environment"),
        (Origin::Flag, "as flags"),
    ];
    let set = parts.map(|(origin, place)| (count(origin), place));
    let set = set.iter().filter(|(count, _)| *count > 0);
    let set: Vec<String> = set.map(|(count, place)| format!("{count} {place}")).collect();
    let set = if set.is_empty() { "nothing: all defaults".to_owned() } else { set.join(", ") };
    Finding::ok("settings", format!("set: {set}"))
}
