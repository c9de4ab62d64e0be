//! Operations that are made and never awaited: the type checker is asked whether they are any.

use proc_macro2::{Ident, Span};
use quote::quote_spanned;
use syn::{Block, Expr, ExprCall, ExprTry, Local, Pat, Stmt};

use super::body::Rewriter;
use crate::attributes::bare;
use crate::macro_arguments::is_combinator;
use crate::names::Extent;
use crate::rules::{self, Rule};

/// A question to the type checker: is this value an operation? Asked before the value is rewritten,
/// put into the code after that.
pub struct Probe {
    /// The method that carries the rule.
    check: &'static str,
}

impl Probe {
    /// `let _ = EXPR`, and `let _name = EXPR` where the name is never used.
    pub fn of_local(rewriter: &Rewriter<'_>, local: &Local) -> Option<Self> {
        let value = local.init.as_ref().filter(|init| init.diverge.is_none())?;
        match &local.pat {
            Pat::Wild(_) => Self::of_ignored(rewriter, &value.expr),
            Pat::Ident(name) if rewriter.is_dead(&name.ident) => {
                Self::of(rewriter, &value.expr, "dead_binding", rules::UNAWAITED_DEAD_BINDING)
            }
            _ => None,
        }
    }

    /// `_ = EXPR`.
    pub fn of_ignored(rewriter: &Rewriter<'_>, value: &Expr) -> Option<Self> {
        Self::of(rewriter, value, "let_underscore", rules::UNAWAITED_LET_UNDERSCORE)
    }

    /// The argument of `drop(EXPR)` and `forget(EXPR)`.
    pub fn of_dropped(rewriter: &Rewriter<'_>, call: &ExprCall) -> Option<Self> {
        let Expr::Path(path) = bare(&call.func) else {
            return None;
        };
        let function = &path.path.segments.last()?.ident;
        if call.args.len() != 1 || (function != "drop" && function != "forget") {
            return None;
        }
        Self::of(rewriter, &call.args[0], "dropped", rules::UNAWAITED_DROP)
    }

    /// The operand of `EXPR?`, whose type is always known.
    pub fn of_tried(rewriter: &Rewriter<'_>, expr: &ExprTry) -> Option<Self> {
        let makes = match bare(&expr.expr) {
            Expr::Call(_) | Expr::MethodCall(_) => true,
            Expr::Macro(it) => is_combinator(&it.mac),
            _ => false,
        };
        Self::with(rewriter, makes, "tried", rules::TRY_BEFORE_AWAIT)
    }

    /// An argument of `println!` and its like.
    pub fn of_formatted(rewriter: &Rewriter<'_>, argument: &Expr) -> Option<Self> {
        Self::of(rewriter, argument, "formatted", rules::UNAWAITED_IN_FORMAT)
    }

    /// The last expression of an `async` block.
    pub fn of_tail(rewriter: &Rewriter<'_>, block: &Block) -> Option<Self> {
        let Some(Stmt::Expr(tail, None)) = block.stmts.last() else {
            return None;
        };
        Self::of(rewriter, tail, "tail", rules::UNAWAITED_TAIL)
    }

    /// Only what makes a new value is asked about. A place is left alone: `let _ = place` does not
    /// touch it.
    fn of(
        rewriter: &Rewriter<'_>,
        value: &Expr,
        check: &'static str,
        rule: &'static Rule,
    ) -> Option<Self> {
        Self::with(rewriter, makes_operation(value), check, rule)
    }

    fn with(
        rewriter: &Rewriter<'_>,
        makes: bool,
        check: &'static str,
        rule: &'static Rule,
    ) -> Option<Self> {
        (makes && !rewriter.levels.allows(rule)).then_some(Self { check })
    }

    /// Puts the question to the last expression of a block.
    pub fn put_to_tail(&self, rewriter: &mut Rewriter<'_>, block: &mut Block, place: Extent) {
        if let Some(Stmt::Expr(tail, None)) = block.stmts.last_mut() {
            self.put(rewriter, tail, place);
        }
    }

    /// Puts the question: to an expression, or to the last ones of its branches, each at its place.
    pub fn put(&self, rewriter: &mut Rewriter<'_>, expr: &mut Expr, place: Extent) {
        match expr {
            Expr::If(it) => {
                self.put_to_branch(rewriter, &mut it.then_branch);
                if let Some((_, otherwise)) = &mut it.else_branch {
                    self.put(rewriter, otherwise, place);
                }
            }
            Expr::Match(it) => {
                for arm in &mut it.arms {
                    let place = Extent::of(&arm.body);
                    self.put(rewriter, &mut arm.body, place);
                }
            }
            Expr::Block(it) => self.put_to_branch(rewriter, &mut it.block),
            Expr::Unsafe(it) => self.put_to_branch(rewriter, &mut it.block),
            _ => self.put_here(rewriter, expr, place),
        }
    }

    fn put_to_branch(&self, rewriter: &mut Rewriter<'_>, block: &mut Block) {
        let place = Extent::of(&block.stmts.last());
        self.put_to_tail(rewriter, block, place);
    }

    /// Puts the question to one expression. `place` is what the user wrote.
    ///
    /// ```text
    /// call()
    ///
    /// (match (call(),) {
    ///     value => {
    ///         use unawaited::{LookOperation as _, LookPlain as _};
    ///         (&&Look(&value.0)).kind().check(&value.0);
    ///         value.0
    ///     }
    /// })
    /// ```
    ///
    /// `kind()` is another type when the value could be awaited, and its `check` is then an error with
    /// the text of the rule. Those with one more use for the value pass it through, so that it is not
    /// reported again.
    fn put_here(&self, rewriter: &mut Rewriter<'_>, expr: &mut Expr, place: Extent) {
        const VALUE: &str = "__trio_value";
        rewriter.changed();
        let span = Span::mixed_site();
        let private = rewriter.names.private();
        let (variable, value) = (place.binding(VALUE), place.field(VALUE));
        let check = Ident::new(self.check, span.located_at(place.first));
        let look = quote_spanned!(span=> (&&#private::unawaited::Look(&#variable.0)).kind());
        let reference = quote_spanned!(place.first=> &);
        let checked = match self.check {
            "tried" | "formatted" | "tail" => quote_spanned!(span=> #look.#check(#value)),
            _ => quote_spanned!(span=> #look.#check(#reference #value); #value),
        };
        *expr = Expr::Verbatim(place.matched(
            &quote_spanned!(span=> (#expr,)),
            &quote_spanned! {span=>
                #variable => {
                    use #private::unawaited::{LookOperation as _, LookPlain as _};
                    #checked
                }
            },
        ));
    }
}

/// Whether this makes a value that may be an operation, and whose type is known where it stands.
fn makes_operation(value: &Expr) -> bool {
    match bare(value) {
        Expr::Async(_) => true,
        Expr::Macro(it) => is_combinator(&it.mac),
        Expr::Call(_) | Expr::MethodCall(_) => has_type_of_its_own(value),
        Expr::If(it) => match &it.else_branch {
            Some((_, otherwise)) => {
                ends_in_operation(&it.then_branch) && makes_operation(otherwise)
            }
            None => false,
        },
        Expr::Match(it) => it.arms.iter().all(|arm| makes_operation(&arm.body)),
        Expr::Block(it) => it.label.is_none() && ends_in_operation(&it.block),
        Expr::Unsafe(it) => ends_in_operation(&it.block),
        _ => false,
    }
}

fn ends_in_operation(block: &Block) -> bool {
    matches!(block.stmts.last(), Some(Stmt::Expr(tail, None)) if makes_operation(tail))
}

/// Whether the type is known where the expression stands: it is not when the method gives whatever is
/// wanted of it, and a question about it could not be answered.
fn has_type_of_its_own(value: &Expr) -> bool {
    const OPEN: [&str; 16] = [
        "unwrap",
        "expect",
        "unwrap_or",
        "unwrap_or_else",
        "unwrap_or_default",
        "into",
        "try_into",
        "collect",
        "sum",
        "product",
        "parse",
        "pop",
        "remove",
        "next",
        "take",
        "clone",
    ];
    match bare(value) {
        Expr::MethodCall(call) => !OPEN.iter().any(|name| call.method == name),
        Expr::Call(call) => match bare(&call.func) {
            // `Ok(…)` and other constructors make nothing that can be awaited.
            Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
                let name = last.ident.to_string();
                !name.starts_with(char::is_uppercase) && name != "default" && name != "from"
            }),
            _ => true,
        },
        _ => true,
    }
}
