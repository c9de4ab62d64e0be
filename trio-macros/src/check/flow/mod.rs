//! Control flow: which ways through a body have a cancellation point, and which have none.
//!
//! The body is followed once, in the order in which it runs. `lattice.rs` says what is known at a
//! place, `frames.rs` where a jump goes; the other files follow one kind of syntax each:
//!
//! ```text
//!   expressions.rs   what runs in which order         loops.rs      what repeats
//!   conditions.rs    what goes two ways               nurseries.rs  what waits for its tasks
//!   macros.rs        what is not Rust before it is    scopes.rs     what runs when it is awaited,
//!                    expanded                                       and for how long at most
//!   exits.rs         what leaves the body
//! ```
//!
//! Whatever is not certain is silent: a macro that cannot be read may await, return or leave the loop
//! around it; code under `#[cfg]` may not be there. A call is taken to come back, an `.await` to be a
//! cancellation point.

mod conditions;
mod exits;
mod expressions;
mod frames;
mod lattice;
mod loops;
mod macros;
mod nurseries;
mod scopes;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Block};

use self::frames::Body;
use super::awaits::is_stub;
use crate::item::Function;
use crate::levels::Levels;
use crate::report::Report;
use crate::rules::Rule;

/// Follows the body of a function. If it is strict, every way to its end needs a cancellation point.
pub fn function(
    function: &Function,
    block: &Block,
    strict: bool,
    levels: &Levels,
    report: &mut Report,
) {
    let strict = strict && !is_stub(block);
    let mut flow = Flow { levels: levels.clone(), report, body: Body::new(true, strict, false) };
    flow.outermost(block, &function.signature.ident);
}

/// The state of the walk.
struct Flow<'a> {
    levels: Levels,
    report: &'a mut Report,
    body: Body,
}

impl Flow<'_> {
    /// A rule is broken here. Where it is not certain that the code is there, it is not said.
    fn find(&mut self, rule: &'static Rule, place: TokenStream, fill: &[&str]) {
        if !self.body.doubt {
            self.report.rule(&self.levels, rule, &place, fill);
        }
    }

    /// Follows what stands under these attributes.
    fn under(&mut self, attributes: &[Attribute], follow: impl FnOnce(&mut Self)) {
        self.levels.enter(attributes);
        if attributes.iter().any(is_cfg) {
            self.perhaps(follow)
        } else {
            follow(self)
        }
        self.levels.leave();
    }

    /// Follows what may not be there, or may not run.
    fn perhaps(&mut self, follow: impl FnOnce(&mut Self)) {
        let mut state = self.body.state.clone();
        let doubt = std::mem::replace(&mut self.body.doubt, true);
        follow(self);
        self.body.doubt = doubt;
        state.perhaps(&self.body.state);
        self.body.state = state;
    }
}

fn is_cfg(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
}

/// The tokens to point at.
fn at(place: &impl ToTokens) -> TokenStream {
    place.to_token_stream()
}
