//! The rules that the function's own tokens decide, before anything is rewritten.
//!
//! Each file holds the rules of one subject, as functions of a piece of syntax that report what they
//! find. `body.rs` walks through the body once, keeps account of what is allowed where, and calls
//! those that look at single expressions; `flow/` follows the ways that control takes through it.
//! Rules that need to know what a name stands for are asked where it is known, during the rewriting:
//! those of nurseries in `expand/spawn.rs` and `expand/nursery.rs`, through `control_flow.rs`; and
//! those that the types decide are generated into the function by `expand/unawaited.rs` and
//! `expand/spawn.rs`.

mod awaits;
mod blocking;
mod body;
pub mod control_flow;
mod flow;
mod nurseries;
mod parameters;
mod paths;
pub mod placement;
mod sleeping;

use crate::item::{Body, Function};
use crate::levels::Levels;
use crate::options::Kind;
use crate::report::Report;

/// Checks a function whose signature is in order. If it is strict, every way through it needs a
/// cancellation point.
pub fn function(
    kind: Kind,
    function: &Function,
    strict: bool,
    levels: &Levels,
    report: &mut Report,
) {
    crate::levels::check(&function.attributes, report);
    if let Body::Parsed(block) = &function.body {
        if kind == Kind::Task {
            awaits::never_awaits(function, block, levels, report);
        }
        parameters::check(function, block, levels, report);
        body::walk(block, levels, report);
        flow::function(function, block, strict, levels, report);
    }
}
