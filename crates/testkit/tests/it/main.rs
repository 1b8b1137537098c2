//! What the private servers promise to the tests that use them.

mod rabbitmq;
