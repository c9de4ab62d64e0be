//! What leaves the body with a value: `return`, and the expressions in tail position.

use proc_macro2::{Ident, TokenStream};
use syn::{Block, Expr, ExprReturn};

use super::expressions::Way;
use super::lattice::Level;
use super::{Flow, at};
use crate::attributes::bare;
use crate::rules;

impl Flow<'_> {
    /// Follows the body of the function itself.
    pub fn outermost(&mut self, block: &Block, name: &Ident) {
        self.block(block, Way::Out(None));
        self.exit(at(name), &format!("the end of `{name}`"), "at the top of its body");
    }

    pub fn returns(&mut self, it: &ExprReturn) {
        if let Some(value) = &it.expr {
            self.value(value, Way::Out(Some(&it.return_token)));
        }
        self.exit(at(&it.return_token), "this `return`", "before it");
    }

    /// Leaves the body with the value of this expression, which has been followed.
    ///
    /// Errors are excepted: what fails may or may not have had a cancellation point.
    pub fn exit_with(&mut self, value: &Expr, keyword: Option<&syn::Token![return]>) {
        if is_error(value) {
            self.body.end(true);
            return;
        }
        match keyword {
            Some(keyword) => self.exit(at(keyword), "this `return`", "before it"),
            None => self.exit(mark(value), "this value", "before it"),
        }
    }

    /// Leaves the body from here, if control gets here at all. `what` is reached, in words, and `cure`
    /// says where a cancellation point would help.
    pub fn exit(&mut self, place: TokenStream, what: &str, cure: &str) {
        if self.body.strict && self.body.state.since_start() == Level::Open {
            self.find(rules::NO_CHECKPOINT_ON_PATH, place, &[what, cure]);
        }
        self.body.end(false);
    }
}

/// `Err(…)`, by any path.
fn is_error(value: &Expr) -> bool {
    let Expr::Call(call) = bare(value) else { return false };
    let Expr::Path(path) = bare(&call.func) else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Err")
}

/// What to point at for an expression: something short, since what spans lines is drawn as a box.
fn mark(expr: &Expr) -> TokenStream {
    match bare(expr) {
        Expr::Loop(it) => at(&it.loop_token),
        Expr::While(it) => at(&it.while_token),
        Expr::ForLoop(it) => at(&it.for_token),
        Expr::Block(it) if it.label.is_some() => at(&it.label),
        Expr::Async(it) => at(&it.async_token),
        Expr::Macro(it) => at(&it.mac.path),
        Expr::MethodCall(it) => at(&it.method),
        Expr::Struct(it) => at(&it.path),
        expr => at(expr),
    }
}
