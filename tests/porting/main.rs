//! The pairs of the porting reference: both programs of a pair do the same, and the wrong forms fail.

mod addresses;
mod descriptors;
mod options;
mod pairs;
mod processes;
mod signals;
#[path = "../support/mod.rs"]
mod support;
mod trace;
mod waiting;
