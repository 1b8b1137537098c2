use super::Finding;
use crate::config::Config;
use crate::fleet::{self, BrokerSeen};

const WHAT: &str = "broker";

/// The broker of the fleet, if there is to be one. A fleet works without, slower.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let Some(url) = &config.amqp_url else {
        return match config.database_url {
            Some(_) => vec![Finding::warn(
                WHAT,
                "none is configured: workers look for work in the database",
                "set ASSAY_AMQP_URL, so that jobs start at once",
            )],
            None => Vec::new(),
        };
    };
    match fleet::examine_broker(config).await {
        Ok(seen) => judge(&seen, &url.to_string()),
        Err(error) => {
            let error = format!("{error:#}");
            let advice = if error.contains("ACCESS_REFUSED") || error.contains("access") {
                "correct user, password and virtual host in ASSAY_AMQP_URL"
            } else {
                "start RabbitMQ, or correct host and port in ASSAY_AMQP_URL; jobs run meanwhile, \
                 slower"
            };
            vec![Finding::fail(WHAT, format!("{url}: {error}"), advice)]
        }
    }
}

fn judge(seen: &BrokerSeen, url: &str) -> Vec<Finding> {
    let mut findings = vec![match &seen.hints {
        None => Finding::ok(WHAT, format!("{url}, no queue yet: the first process makes it")),
        Some(hints) => {
            let (messages, consumers) = (hints.messages, hints.consumers);
            Finding::ok(WHAT, format!("{url}, {messages} hints, {consumers} consumers"))
        }
    }];
    if seen.hints.is_some_and(|hints| !hints.is_quorum) {
        let advice = "delete the queue assay.hints while no process runs: it is made again, and \
                      loses no job";
        findings.push(Finding::warn("queue", "assay.hints is no quorum queue", advice));
    }
    if seen.is_blocked {
        let advice = "free memory or disk of the broker: see `rabbitmq-diagnostics alarms`";
        findings.push(Finding::fail("alarm", "the broker takes no messages", advice));
    }
    findings
}
