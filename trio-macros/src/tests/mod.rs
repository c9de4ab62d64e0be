//! The macros from end to end: tokens in, tokens out.

mod false_positives;
mod findings;
mod foreign;
mod mutations;
