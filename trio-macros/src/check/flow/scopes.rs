//! `async` blocks and closures: what runs when it is awaited, spawned or given to a cancel scope.

use proc_macro2::TokenStream;
use syn::punctuated::Punctuated;
use syn::{Expr, Token};

use super::expressions::Way;
use super::frames::Body;
use super::lattice::Level;
use super::{Flow, at};
use crate::attributes::{self, bare};
use crate::rules;

/// The functions that open a cancel scope around the thunk that they are given last.
const SCOPES: [&str; 4] = ["move_on_after", "move_on_at", "fail_after", "fail_at"];

/// What is known of an `async` block that has been followed.
pub struct Outcome {
    /// The ways that return a value which is not an error.
    exits: Level,
    /// All ways that return.
    ends: Level,
    /// A cancellation point is reached in it, or what may be one.
    seen: bool,
}

/// A call of a function that opens a cancel scope around a literal.
struct Scope<'a> {
    name: String,
    place: TokenStream,
    literal: &'a Expr,
    /// What is evaluated before it is called.
    before: Vec<&'a Expr>,
}

impl Flow<'_> {
    /// `base.await`. A literal runs here, and is a cancellation point if it has one; everything else is
    /// taken to be one.
    pub fn awaited(&mut self, base: &Expr) {
        let outcome = match bare(base) {
            block @ Expr::Async(_) => self.literal(block),
            call => self.scope(call),
        };
        match outcome {
            Some(outcome) => {
                if outcome.seen {
                    self.body.see();
                }
                match outcome.ends {
                    Level::Dead => self.body.diverge(),
                    level => self.body.pass(level),
                }
            }
            None => {
                self.expr(base);
                self.body.pass(Level::Point);
            }
        }
    }

    /// Follows an `async` block or closure as a body of its own.
    pub fn literal(&mut self, expr: &Expr) -> Option<Outcome> {
        self.mentioned(expr);
        let inside = Body::new(self.body.state.is_live(), false, self.body.doubt);
        let outside = std::mem::replace(&mut self.body, inside);
        self.levels.enter(attributes::on(expr));
        match expr {
            Expr::Async(it) => self.block(&it.block, Way::Out(None)),
            Expr::Closure(it) => self.value(&it.body, Way::Out(None)),
            _ => {}
        }
        self.levels.leave();
        self.body.end(false);
        let Body { exits, ends, seen, .. } = std::mem::replace(&mut self.body, outside);
        Some(Outcome { exits, ends, seen })
    }

    /// Follows a call that opens a cancel scope around a literal, if it is one.
    pub fn scope(&mut self, call: &Expr) -> Option<Outcome> {
        let scope = Scope::of(call)?;
        for expr in &scope.before {
            self.expr(expr);
        }
        let outcome = self.literal(scope.literal)?;
        let name = scope.name.as_str();
        match outcome {
            Outcome { exits: Level::Dead, .. } => {}
            Outcome { seen: false, .. } => {
                self.find(rules::SCOPE_WITHOUT_CHECKPOINT, scope.place, &[name]);
            }
            Outcome { exits: Level::Open, .. } => {
                self.find(rules::SCOPE_NO_GUARANTEED_CHECKPOINT, scope.place, &[name]);
            }
            _ => {}
        }
        Some(outcome.cancellable())
    }
}

impl Outcome {
    /// With a cancel scope around it, each of its cancellation points is a way to its end. If it has
    /// none, that is said here, and not once more of what is around it.
    fn cancellable(self) -> Self {
        let ends = match self.seen {
            true => self.ends.max(Level::Point),
            false => self.ends.min(Level::Maybe),
        };
        Self { ends, ..self }
    }
}

impl<'a> Scope<'a> {
    fn of(call: &'a Expr) -> Option<Self> {
        match call {
            Expr::Call(it) => {
                let Expr::Path(path) = bare(&it.func) else { return None };
                let last = &path.path.segments.last()?.ident;
                if !SCOPES.iter().any(|scope| last == scope) {
                    return None;
                }
                Self::around(last.to_string(), at(last), None, &it.args)
            }
            Expr::MethodCall(it) if it.method == "run" && is_cancel_scope(&it.receiver) => {
                Self::around("CancelScope".into(), at(&it.method), Some(&it.receiver), &it.args)
            }
            _ => None,
        }
    }

    fn around(
        name: String,
        place: TokenStream,
        receiver: Option<&'a Expr>,
        arguments: &'a Punctuated<Expr, Token![,]>,
    ) -> Option<Self> {
        let literal = arguments.last().filter(|last| is_literal(last))?;
        let before = arguments.iter().take(arguments.len() - 1);
        Some(Self { name, place, literal, before: receiver.into_iter().chain(before).collect() })
    }
}

fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Async(_) => true,
        Expr::Closure(closure) => closure.asyncness.is_some(),
        _ => false,
    }
}

/// `CancelScope::new()` and the like, with the methods called on it.
fn is_cancel_scope(receiver: &Expr) -> bool {
    match bare(receiver) {
        Expr::MethodCall(it) => is_cancel_scope(&it.receiver),
        Expr::Call(it) => match bare(&it.func) {
            Expr::Path(path) => path.path.segments.iter().any(|part| part.ident == "CancelScope"),
            _ => false,
        },
        _ => false,
    }
}
