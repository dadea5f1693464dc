//! The tests, one module for each subject. The reports and the tests of `explain` are targets of their own.

mod abi;
mod bench;
#[path = "compare/claims.rs"]
mod claims;
mod compare;
mod faults;
mod load;
mod memory;
mod readme;
mod rules;
mod security;
mod support;
mod trace;
mod usage;
