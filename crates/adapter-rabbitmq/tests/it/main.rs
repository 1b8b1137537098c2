//! The adapter on a real broker: the suites of its ports, and what a broker can do to it.

mod blocked;
mod conformance;
mod deliveries;
mod news;
mod outages;
mod returned;
mod support;
