//! The store in PostgreSQL against the suites of its ports, and what only it promises.

mod conformance;
mod database;
mod fleet;
mod former;
mod group_commit;
mod leases;
mod locks;
mod proxy;
mod records;
mod restart;
mod schema;
mod side_by_side;
mod sizes;
mod tls;
