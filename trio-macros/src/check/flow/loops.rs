//! Loops: how often they run, and whether they can be cancelled.

use proc_macro2::TokenStream;
use syn::{Expr, ExprForLoop, ExprLoop, ExprWhile, Lit, RangeLimits};

use super::expressions::Way;
use super::frames::Loop;
use super::lattice::Level;
use super::{Flow, at};
use crate::attributes::bare;
use crate::macro_arguments::{Arguments, is_named};
use crate::rules;

/// How often the body of a `for` runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rounds {
    Endless,
    /// At least once.
    Some,
    Any,
}

impl Flow<'_> {
    pub fn endless_loop(&mut self, it: &ExprLoop) {
        self.body.enter_loop(it.label.as_ref());
        self.block(&it.body, Way::On);
        if let Some(facts) = self.body.leave_loop() {
            self.judge(&facts, at(&it.loop_token));
        }
    }

    /// The condition is evaluated at least once.
    pub fn while_loop(&mut self, it: &ExprWhile) {
        self.body.enter_loop(it.label.as_ref());
        let otherwise = self.condition(&it.cond);
        self.block(&it.body, Way::On);
        if let Some(facts) = self.body.leave_loop() {
            if !otherwise.is_live() {
                self.judge(&facts, at(&it.while_token));
            }
            self.body.state.join(&otherwise);
        }
    }

    pub fn for_loop(&mut self, it: &ExprForLoop) {
        self.expr(&it.expr);
        let before = self.body.state.clone();
        self.body.enter_loop(it.label.as_ref());
        self.block(&it.body, Way::On);
        let Some(facts) = self.body.leave_loop() else { return };
        match rounds(&it.expr) {
            Rounds::Endless => self.judge(&facts, at(&it.for_token)),
            Rounds::Some => self.body.state.join(&facts.back),
            Rounds::Any => {
                self.body.state.join(&facts.back);
                self.body.state.join(&before);
            }
        }
    }

    /// Reports a loop that only jumps can end, if a round of it has no cancellation point.
    ///
    /// It is an error if nothing ever ends it or cancels it. With a `break` of its own it is taken
    /// to be one that ends soon.
    fn judge(&mut self, facts: &Loop, keyword: TokenStream) {
        if facts.back.since_head() != Level::Open || facts.broken || facts.unclear {
            return;
        }
        let rule = match facts.left || facts.seen {
            false => rules::ENDLESS_LOOP_NO_CHECKPOINT,
            true => rules::LOOP_MAYBE_NO_CHECKPOINT,
        };
        self.find(rule, keyword, &[]);
    }
}

/// Only what the expression itself says.
fn rounds(iterated: &Expr) -> Rounds {
    let some = match bare(iterated) {
        Expr::Reference(it) => return rounds(&it.expr),
        Expr::Range(range) => match (&range.start, &range.end) {
            (Some(_), None) => return Rounds::Endless,
            (Some(start), Some(end)) => match (integer(start), integer(end), range.limits) {
                (Some(start), Some(end), RangeLimits::HalfOpen(_)) => start < end,
                (Some(start), Some(end), RangeLimits::Closed(_)) => start <= end,
                _ => false,
            },
            _ => false,
        },
        Expr::Array(it) => it.elems.iter().any(is_certain),
        Expr::Repeat(it) => integer(&it.len).is_some_and(|length| length > 0),
        Expr::Macro(it) if is_named(&it.mac, "vec") => {
            let elements = Arguments::parse(&it.mac);
            match elements.repeated() {
                Some(length) => integer(length).is_some_and(|length| length > 0),
                None => elements.expressions.iter().any(|element| is_certain(&element.expr)),
            }
        }
        _ => false,
    };
    if some { Rounds::Some } else { Rounds::Any }
}

/// Not under `#[cfg]`.
fn is_certain(element: &Expr) -> bool {
    !crate::attributes::on(element).iter().any(super::is_cfg)
}

fn integer(expr: &Expr) -> Option<i128> {
    match bare(expr) {
        Expr::Lit(it) => match &it.lit {
            Lit::Int(int) => int.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(it) if matches!(it.op, syn::UnOp::Neg(_)) => Some(-integer(&it.expr)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_str;

    #[test]
    fn the_number_of_rounds_is_read_off_literals() {
        for (iterated, expected) in [
            ("0..", Rounds::Endless),
            ("(start..)", Rounds::Endless),
            ("0..3", Rounds::Some),
            ("-1..=-1", Rounds::Some),
            ("3..3", Rounds::Any),
            ("5..=4", Rounds::Any),
            ("0..n", Rounds::Any),
            ("[a, b]", Rounds::Some),
            ("&[a]", Rounds::Some),
            ("[]", Rounds::Any),
            ("[#[cfg(unix)] a]", Rounds::Any),
            ("[a; 3]", Rounds::Some),
            ("[a; 0]", Rounds::Any),
            ("[a; N]", Rounds::Any),
            ("vec![a, b]", Rounds::Some),
            ("&vec![a; 2]", Rounds::Some),
            ("vec![a; 0]", Rounds::Any),
            ("vec![a; n]", Rounds::Any),
            ("vec![]", Rounds::Any),
            ("list", Rounds::Any),
            ("list.iter()", Rounds::Any),
        ] {
            assert_eq!(rounds(&parse_str(iterated).unwrap()), expected, "{iterated}");
        }
    }
}
