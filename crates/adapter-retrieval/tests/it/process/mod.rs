//! What a document costs that breaks its reader: itself, in bounded time, and no more.

mod broken;
mod endings;
mod lifetimes;
