//! Hints and news over RabbitMQ: [`RabbitMqHintQueue`] implements
//! [`HintQueue`](engine::ports::HintQueue), [`RabbitMqProgressBus`] implements
//! [`ProgressBus`](engine::ports::ProgressBus).
//!
//! Three connections, because a broker that is short of memory blocks a whole connection that
//! publishes: hints go out on one, deliveries come in on the second, news go both ways on the
//! third. Each is kept up by a task of its own: it connects, declares, serves, and after any
//! error drops everything and does it again. No caller waits for a connection.

mod examination;
mod hint_queue;
mod link;
mod progress_bus;
mod settings;
mod topology;
mod wire;

pub use examination::{ExamineError, Examined, HintsQueue, examine};
pub use hint_queue::RabbitMqHintQueue;
pub use progress_bus::RabbitMqProgressBus;
pub use settings::{InvalidUrl, Settings};
