//! A broker for tests: a private RabbitMQ node, or the one that `ASSAY_TEST_AMQP_URL` names.
//!
//! The node is started once per test process, from the installed programs, with its own name,
//! cookie, ports and data, on loopback alone. Its life is tied to the process by a pipe: however
//! the process ends, the node and its epmd end too, and their folder is deleted.
//!
//! Tests that leave the node in peace run side by side, each on a virtual host of its own
//! ([`shared`]). A test that breaks the node has it for itself ([`alone`]).

mod host;
mod leash;
mod node;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OnceCell, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use self::node::{CLEAR_ALARM, Node};

pub use self::host::VirtualHost;

/// Names the broker to use instead of a private node. Its virtual host is used by one test at a
/// time, and tests that break the broker skip themselves.
const URL_VARIABLE: &str = "ASSAY_TEST_AMQP_URL";

/// Whether there is a broker. If not, the reason is told as for a test that skips itself.
///
/// # Panics
/// If RabbitMQ is installed and does not start.
pub async fn is_available() -> bool {
    match broker().await {
        Broker::Private { .. } | Broker::External { .. } => true,
        Broker::Absent { reason } => {
            crate::skip(reason);
            false
        }
    }
}

/// A virtual host of one's own, on a node that nobody breaks meanwhile.
///
/// A test takes one at a time: a second one would wait behind a test that waits for the first.
///
/// `None`, after saying why, if there is no broker here.
///
/// # Panics
/// If RabbitMQ is installed and does not start.
pub async fn shared() -> Option<VirtualHost> {
    match broker().await {
        Broker::Private { node, access } => {
            let turn = Turn::Shared { _guard: Arc::clone(access).read_owned().await };
            Some(VirtualHost::on(node, Arc::new(turn)).await)
        }
        Broker::External { url, access } => {
            let turn = Turn::Alone { _guard: Arc::clone(access).write_owned().await };
            Some(VirtualHost::at(url.clone(), Arc::new(turn)))
        }
        Broker::Absent { reason } => {
            crate::skip(reason);
            None
        }
    }
}

/// A virtual host of one's own on a private node, which tells what is in it. `None` as for
/// [`shared`], and if `ASSAY_TEST_AMQP_URL` names another broker.
///
/// # Panics
/// If RabbitMQ is installed and does not start.
pub async fn private() -> Option<VirtualHost> {
    match broker().await {
        Broker::Private { .. } | Broker::Absent { .. } => shared().await,
        Broker::External { .. } => {
            crate::skip(
                "it looks into the broker, and ASSAY_TEST_AMQP_URL names one that is shared",
            );
            None
        }
    }
}

/// A virtual host on a node that no other test of this process uses meanwhile, to be broken.
///
/// `None`, after saying why, if there is no private node here.
///
/// # Panics
/// If RabbitMQ is installed and does not start, or does not start again.
pub async fn alone() -> Option<(VirtualHost, RabbitMq)> {
    match broker().await {
        Broker::Private { node, access } => {
            let turn = Arc::new(Turn::Alone { _guard: Arc::clone(access).write_owned().await });
            let host = VirtualHost::on(node, Arc::clone(&turn)).await;
            node.suspect().await;
            Some((host, RabbitMq { node: Arc::clone(node), _turn: turn }))
        }
        Broker::External { .. } => {
            crate::skip("it breaks the broker, and ASSAY_TEST_AMQP_URL names one that is shared");
            None
        }
        Broker::Absent { reason } => {
            crate::skip(reason);
            None
        }
    }
}

/// What a test may do to a node that it has for itself. The next test finds it running and without
/// alarms, however this one left it.
pub struct RabbitMq {
    node: Arc<Node>,
    _turn: Arc<Turn>,
}

impl RabbitMq {
    /// Stops the broker within its process: every connection ends, and none is accepted.
    pub async fn stop_app(&self) {
        self.node.must("ok = rabbit:stop()".to_owned()).await;
    }

    /// Starts the broker within its process.
    pub async fn start_app(&self) {
        self.node.must("ok = rabbit:start()".to_owned()).await;
        self.node.until_started().await;
    }

    /// Makes a broker that is stopped forget everything: virtual hosts, users, queues, messages.
    pub async fn reset(&self) {
        self.node.must("ok = rabbit_mnesia:reset()".to_owned()).await;
    }

    /// Has the node write down which quorum queues there are, which it does by itself within a
    /// second. A node that is killed before that comes back with a queue that has no leader.
    pub async fn note_queues(&self) {
        self.node.must("[ok = dets:sync(Table) || Table <- dets:all()], ok".to_owned()).await;
    }

    /// Kills the node's process, as a crash does. What it confirmed is on its disk.
    pub async fn kill(&self) {
        self.node.kill().await;
    }

    /// Ends the node's process in good order, as an operator does.
    pub async fn stop(&self) {
        self.stop_app().await;
        self.node.kill().await;
    }

    /// Starts the node's process, and returns when it accepts clients.
    pub async fn start(&self) {
        self.node.start().await;
    }

    /// What has passed since the node started: hints alone are confirmed, and alone are in quorum
    /// queues.
    pub async fn traffic(&self) -> Traffic {
        let count = async |counter: &str, of: &str| {
            let expression = format!(
                "lists:sum([maps:get({counter}, C, 0) || {{K, C}} <- \
                 maps:to_list(rabbit_global_counters:overview()), lists:member({of}, K)])"
            );
            self.node.must(expression).await.parse().expect("a number")
        };
        Traffic {
            confirmed: count("messages_confirmed_total", "{protocol, amqp091}").await,
            acknowledged: count("messages_acknowledged_total", "{queue_type, rabbit_quorum_queue}")
                .await,
        }
    }

    /// From now on the broker closes a channel that leaves a delivery unsettled for this long.
    pub async fn limit_unsettled(&self, timeout: Duration) {
        let ms = timeout.as_millis();
        self.node.must(format!("application:set_env(rabbit, consumer_timeout, {ms})")).await;
        // How often a channel looks.
        self.node.must("application:set_env(rabbit, channel_tick_interval, 100)".to_owned()).await;
    }

    /// Raises the alarm that blocks whoever publishes.
    pub async fn raise_memory_alarm(&self) {
        self.node.must("ok = vm_memory_monitor:set_vm_memory_high_watermark(0)".to_owned()).await;
    }

    /// Ends the alarm.
    pub async fn clear_memory_alarm(&self) {
        self.node.must(CLEAR_ALARM.to_owned()).await;
    }
}

/// Messages that a node has dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// Published, and confirmed to the publisher.
    pub confirmed: u64,
    /// Delivered, and acknowledged by the consumer.
    pub acknowledged: u64,
}

enum Broker {
    Private { node: Arc<Node>, access: Arc<RwLock<()>> },
    External { url: String, access: Arc<RwLock<()>> },
    Absent { reason: &'static str },
}

/// Held while a test uses the broker.
enum Turn {
    Shared { _guard: OwnedRwLockReadGuard<()> },
    Alone { _guard: OwnedRwLockWriteGuard<()> },
}

async fn broker() -> &'static Broker {
    static BROKER: OnceCell<Broker> = OnceCell::const_new();
    BROKER
        .get_or_init(|| async {
            if let Ok(url) = std::env::var(URL_VARIABLE) {
                return Broker::External { url, access: Arc::default() };
            }
            match Node::installed() {
                Ok(programs) => {
                    let node = Arc::new(Node::new(programs));
                    node.start().await;
                    Broker::Private { node, access: Arc::default() }
                }
                Err(reason) => Broker::Absent { reason },
            }
        })
        .await
}
