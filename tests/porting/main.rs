//! The pairs of the porting reference: both programs of a pair do the same, and the wrong forms fail.

mod addresses;
mod descriptors;
mod pairs;
mod processes;
#[path = "../support/mod.rs"]
mod support;
mod trace;
mod waiting;
