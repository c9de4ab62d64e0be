//! The walk through a body: finds what has to be rewritten and hands it to the file that does it.
//!
//! A plain closure is not part of the task, so that its `.await` and `async` blocks are left alone; but
//! what is spawned from it is spawned all the same.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Arm, Block, Expr, FieldValue, FnArg, ImplItem, Item, Local, Macro, Pat, Stmt, Token, Type,
};

use super::already_called::AlreadyCalled;
use super::docs::Point;
use super::spawn::Method;
use super::unawaited::Probe;
use super::{awaiting, frames, nursery, spawn, thunks};
use crate::attributes;
use crate::binders::Binders;
use crate::levels::{self, Levels};
use crate::macro_arguments::{Arguments, is_formatting};
use crate::mentions::Mentions;
use crate::names::{Crate, Extent};
use crate::nursery::is_nursery;
use crate::report::Report;
use crate::text::text;

/// The state of the walk.
pub struct Rewriter<'a> {
    pub names: &'a Crate,
    pub function: String,
    pub levels: Levels,
    pub binders: Binders,
    pub report: &'a mut Report,
    pub points: Vec<Point>,
    /// How often each name is mentioned in the body as it was written.
    mentions: Mentions,
    /// Inside a plain closure.
    in_closure: bool,
    /// Inside the arguments of someone else's macro.
    pub in_arguments: bool,
    /// Counts what was rewritten.
    changes: usize,
}

impl<'a> Rewriter<'a> {
    pub fn new(
        function: &Ident,
        body: &Block,
        names: &'a Crate,
        levels: Levels,
        report: &'a mut Report,
    ) -> Self {
        Self {
            names,
            function: function.to_string(),
            levels,
            binders: Binders::default(),
            report,
            points: Vec::new(),
            mentions: Mentions::of(body.to_token_stream()),
            in_closure: false,
            in_arguments: false,
            changes: 0,
        }
    }

    /// Rewrites the body of a function with these parameters.
    pub fn function(&mut self, inputs: &Punctuated<FnArg, Token![,]>, body: &mut Block) {
        self.binders.enter();
        for input in inputs {
            if let FnArg::Typed(typed) = input {
                self.binders.declare(&Pat::Type(typed.clone()), None);
            }
        }
        self.block(body);
        self.binders.leave();
    }

    /// Rewrites a block.
    pub fn block(&mut self, block: &mut Block) {
        self.visit_block_mut(block);
    }

    pub fn into_points(self) -> Vec<Point> {
        self.points
    }

    /// Notes that something was rewritten.
    pub fn changed(&mut self) {
        self.changes += 1;
    }

    /// Whether a variable of that name is deliberately unused, and really is.
    pub fn is_dead(&self, name: &Ident) -> bool {
        let name = name.to_string();
        name.starts_with('_') && self.mentions.count(&name) == 1
    }

    fn within<T>(&mut self, plain: bool, visit: impl FnOnce(&mut Self) -> T) -> T {
        let outside = std::mem::replace(&mut self.in_closure, plain);
        let result = visit(self);
        self.in_closure = outside;
        result
    }

    fn scope(&mut self, visit: impl FnOnce(&mut Self)) {
        self.binders.enter();
        visit(self);
        self.binders.leave();
    }

    /// Rewrites one expression; its attributes have been dealt with.
    fn rewrite(&mut self, expr: &mut Expr) {
        let task = !self.in_closure;
        let place = Extent::of(expr);
        let replacement = match expr {
            Expr::Await(it) if task => match spawn::awaited(self, it) {
                Some(mut call) => {
                    self.visit_expr_mut(&mut call);
                    Some(call)
                }
                None => {
                    let (place, text) = (Extent::of(&it.base), text(&it.base));
                    self.visit_expr_mut(&mut it.base);
                    Some(awaiting::expand(self, it, place, &text))
                }
            },
            Expr::Async(it) if task => Some(frames::block(self, it)),
            Expr::Closure(it) if task && it.asyncness.is_some() => Some(frames::closure(self, it)),
            Expr::Macro(it) if task && is_nursery(&it.mac) => Some(nursery::expand(self, &it.mac)),
            Expr::MethodCall(it) => {
                let method = Method::of(self, it);
                let called = method.and_then(|method| AlreadyCalled::of(self, method, it));
                visit_mut::visit_expr_method_call_mut(self, it);
                match (method, called) {
                    (_, Some(called)) => Some(called.check(self, it, place)),
                    (Some(method), None) => spawn::expand(self.names, method, it, place),
                    (None, None) => thunks::method(it, place),
                }
            }
            Expr::Call(it) => {
                let probe = Probe::of_dropped(self, it);
                let argument = it.args.first().map(Extent::of);
                let called = AlreadyCalled::of_call(self, it);
                visit_mut::visit_expr_call_mut(self, it);
                if let (Some(probe), Some(place)) = (probe, argument) {
                    probe.put(self, &mut it.args[0], place);
                }
                match called {
                    Some(called) => Some(called.check(self, it, place)),
                    None => thunks::call(self.names, it, place),
                }
            }
            Expr::Closure(it) => {
                self.scope(|rewriter| {
                    for input in &it.inputs {
                        rewriter.binders.declare(input, None);
                    }
                    rewriter.within(true, |rewriter| rewriter.visit_expr_mut(&mut it.body));
                });
                return;
            }
            Expr::Try(it) => {
                let probe = Probe::of_tried(self, it);
                let place = Extent::of(&it.expr);
                self.visit_expr_mut(&mut it.expr);
                if let Some(probe) = probe {
                    probe.put(self, &mut it.expr, place);
                }
                return;
            }
            Expr::Assign(it) if matches!(*it.left, Expr::Infer(_)) => {
                let probe = Probe::of_ignored(self, &it.right);
                let place = Extent::of(&it.right);
                self.visit_expr_mut(&mut it.right);
                if let Some(probe) = probe {
                    probe.put(self, &mut it.right, place);
                }
                return;
            }
            Expr::ForLoop(it) => {
                self.visit_expr_mut(&mut it.expr);
                self.scope(|rewriter| {
                    rewriter.binders.declare(&it.pat, None);
                    rewriter.visit_block_mut(&mut it.body);
                });
                return;
            }
            // A `let` in the condition is in scope in the body.
            Expr::If(_) | Expr::While(_) => {
                self.scope(|rewriter| visit_mut::visit_expr_mut(rewriter, expr));
                return;
            }
            Expr::Let(it) => {
                self.visit_expr_mut(&mut it.expr);
                self.binders.declare(&it.pat, Some(&it.expr));
                return;
            }
            Expr::Const(_) => return,
            _ => {
                visit_mut::visit_expr_mut(self, expr);
                return;
            }
        };
        if let Some(replacement) = replacement {
            self.changed();
            *expr = replacement;
        }
    }
}

impl VisitMut for Rewriter<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let mut none = Vec::new();
        let attributes = attributes::of(expr).unwrap_or(&mut none);
        self.levels.enter(attributes);
        if attributes.iter().any(levels::is_ours) {
            levels::strip(attributes);
            self.changed();
        }
        self.rewrite(expr);
        self.levels.leave();
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        let last = block.stmts.len().saturating_sub(1);
        self.scope(|rewriter| {
            for (index, stmt) in block.stmts.iter_mut().enumerate() {
                rewriter.statement(stmt, index == last);
            }
        });
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        self.levels.enter(&local.attrs);
        levels::strip(&mut local.attrs);
        let probe = Probe::of_local(self, local);
        if let Some(init) = &mut local.init {
            let place = Extent::of(&init.expr);
            self.visit_expr_mut(&mut init.expr);
            if let Some(probe) = probe {
                probe.put(self, &mut init.expr, place);
            }
            if let Some((_, diverge)) = &mut init.diverge {
                self.visit_expr_mut(diverge);
            }
        }
        self.binders.declare(&local.pat, local.init.as_ref().map(|init| &*init.expr));
        self.levels.leave();
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        self.levels.enter(&arm.attrs);
        levels::strip(&mut arm.attrs);
        self.scope(|rewriter| {
            rewriter.binders.declare(&arm.pat, None);
            visit_mut::visit_arm_mut(rewriter, arm);
        });
        self.levels.leave();
    }

    fn visit_field_value_mut(&mut self, field: &mut FieldValue) {
        self.levels.enter(&field.attrs);
        levels::strip(&mut field.attrs);
        visit_mut::visit_field_value_mut(self, field);
        self.levels.leave();
    }

    /// The arguments of a macro are rewritten only if there is something in them to rewrite.
    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let before = self.changes;
        let mut arguments = Arguments::parse(mac);
        let outside = std::mem::replace(&mut self.in_arguments, true);
        let formats = is_formatting(mac);
        for argument in &mut arguments.expressions {
            let value = match &mut argument.expr {
                Expr::Assign(named) if formats => &mut *named.right,
                value => value,
            };
            let probe = formats.then(|| Probe::of_formatted(self, value)).flatten();
            let place = Extent::of(value);
            self.visit_expr_mut(value);
            if let Some(probe) = probe {
                probe.put(self, value, place);
            }
        }
        self.in_arguments = outside;
        if self.changes > before {
            mac.tokens = arguments.into_tokens();
        }
    }

    /// An item is no part of the task. But what is said about rules at a function is taken away.
    fn visit_item_mut(&mut self, item: &mut Item) {
        match item {
            Item::Fn(function) => levels::strip(&mut function.attrs),
            Item::Impl(block) => {
                levels::strip(&mut block.attrs);
                for item in &mut block.items {
                    if let ImplItem::Fn(method) = item {
                        levels::strip(&mut method.attrs);
                    }
                }
            }
            _ => {}
        }
    }

    fn visit_type_mut(&mut self, _: &mut Type) {}
}

impl Rewriter<'_> {
    fn statement(&mut self, stmt: &mut Stmt, last: bool) {
        if let Stmt::Macro(it) = stmt {
            self.levels.enter(&it.attrs);
            levels::strip(&mut it.attrs);
            if is_nursery(&it.mac) && !self.in_closure {
                let expanded = nursery::expand(self, &it.mac);
                self.changed();
                // `nursery! { … }` needs no semicolon, but what it becomes does.
                let semicolon = it.semi_token.or_else(|| (!last).then(<Token![;]>::default));
                *stmt = match semicolon {
                    Some(_) => Stmt::Expr(nursery::in_place(&it.mac, &expanded), semicolon),
                    None => Stmt::Expr(expanded, None),
                };
            } else {
                self.visit_macro_mut(&mut it.mac);
            }
            self.levels.leave();
        } else {
            spawn::start_statement(self, stmt);
            self.visit_stmt_mut(stmt);
        }
    }
}
