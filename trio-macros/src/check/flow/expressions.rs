//! Expressions, blocks and statements, in the order in which they run.

use proc_macro2::TokenStream;
use syn::{Arm, BinOp, Block, Expr, ExprIf, ExprMatch, Local, Pat, Stmt, StmtMacro, Token, UnOp};

use super::frames::Kind;
use super::lattice::{Level, State};
use super::nurseries::name;
use super::{Flow, at, is_cfg};
use crate::attributes::{self, bare};

/// Where the value of an expression goes.
#[derive(Clone, Copy)]
pub enum Way<'a> {
    /// Control goes on after it.
    On,
    /// It is the value of the body, through `return` or as its tail.
    Out(Option<&'a Token![return]>),
}

impl Way<'_> {
    /// The way of a part that is not the last.
    fn unless_last(self, is_last: bool) -> Self {
        if is_last { self } else { Self::On }
    }
}

impl Flow<'_> {
    /// Follows an expression whose value stays in the body.
    pub fn expr(&mut self, expr: &Expr) {
        self.value(expr, Way::On);
    }

    /// Follows an expression. On the way out, the parts in tail position leave one by one; what
    /// comes to its end without a value is left to whoever asked.
    pub fn value(&mut self, expr: &Expr, way: Way<'_>) {
        self.under(attributes::on(expr), |flow| match (expr, way) {
            (Expr::Paren(it), _) => flow.value(&it.expr, way),
            (Expr::Group(it), _) => flow.value(&it.expr, way),
            (Expr::If(it), _) => flow.if_else(it, way),
            (Expr::Match(it), _) => flow.matches(it, way),
            (Expr::Unsafe(it), _) => flow.block(&it.block, way),
            (Expr::Block(it), _) if it.label.is_none() => flow.block(&it.block, way),
            (_, Way::On) => flow.evaluate(expr),
            (_, Way::Out(keyword)) => {
                flow.evaluate(expr);
                flow.exit_with(expr, keyword);
            }
        });
    }

    /// Follows the statements of a block.
    pub fn block(&mut self, block: &Block, way: Way<'_>) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            let way = way.unless_last(index + 1 == block.stmts.len());
            match stmt {
                Stmt::Local(it) => self.under(&it.attrs, |flow| flow.local(it)),
                Stmt::Expr(it, None) => self.value(it, way),
                Stmt::Expr(it, Some(_)) => self.expr(it),
                Stmt::Macro(it) => self.under(&it.attrs, |flow| flow.statement_macro(it, way)),
                Stmt::Item(_) => {}
            }
        }
    }

    fn statement_macro(&mut self, it: &StmtMacro, way: Way<'_>) {
        self.macro_call(&it.mac);
        if let (Way::Out(_), None) = (way, it.semi_token) {
            self.exit(at(&it.mac.path), "this value", "before it");
        }
    }

    /// `let P = E else { D };`. What follows is not reached through `D`, whatever it is made of.
    fn local(&mut self, local: &Local) {
        let Some(init) = &local.init else { return };
        self.expr(&init.expr);
        if let Some((_, diverge)) = &init.diverge {
            let matched = self.body.state.clone();
            self.expr(diverge);
            self.body.state = matched;
        }
    }

    fn if_else(&mut self, it: &ExprIf, way: Way<'_>) {
        let otherwise = self.condition(&it.cond);
        self.block(&it.then_branch, way);
        let then = std::mem::replace(&mut self.body.state, otherwise);
        if let Some((_, branch)) = &it.else_branch {
            self.value(branch, way);
        }
        self.body.state.join(&then);
        self.falls_out(at(&it.if_token), "if", way);
    }

    /// The arms are exhaustive. A guard counts for its own arm, unless the arm's pattern always
    /// matches: then the arms after it are reached only through the guard.
    fn matches(&mut self, it: &ExprMatch, way: Way<'_>) {
        self.expr(&it.expr);
        let mut entry = self.body.state.clone();
        let mut end = entry.unreached();
        for arm in &it.arms {
            let is_certain = !arm.attrs.iter().any(is_cfg);
            self.body.state = entry.clone();
            let mut next = entry.clone();
            self.under(&arm.attrs, |flow| next = flow.arm(arm, way));
            if is_certain {
                entry = next;
            } else {
                self.body.state.pass(Level::Maybe);
            }
            end.join(&self.body.state);
        }
        self.body.state = end;
        self.falls_out(at(&it.match_token), "match", way);
    }

    /// Follows an arm, and gives the state in which the next one is tried.
    fn arm(&mut self, arm: &Arm, way: Way<'_>) -> State {
        let entry = self.body.state.clone();
        let (pattern, refused) = match &arm.pat {
            Pat::Guard(guarded) => (&*guarded.pat, self.condition(&guarded.guard)),
            pattern => (pattern, entry.unreached()),
        };
        let next = if always_matches(pattern) { refused } else { entry };
        self.value(&arm.body, way);
        next
    }

    /// The ways through an `if` or `match` that end without a value leave at its keyword.
    fn falls_out(&mut self, place: TokenStream, name: &str, way: Way<'_>) {
        match way {
            Way::On => {}
            Way::Out(Some(keyword)) => self.exit(at(keyword), "this `return`", "before it"),
            Way::Out(None) => {
                let (what, cure) =
                    (format!("the end of this `{name}`"), format!("before this `{name}`"));
                self.exit(place, &what, &cure);
            }
        }
    }

    /// Follows an expression that is evaluated as a whole.
    fn evaluate(&mut self, expr: &Expr) {
        match expr {
            // What leads elsewhere.
            Expr::Await(it) => self.awaited(&it.base),
            Expr::Try(it) => {
                self.expr(&it.expr);
                self.body.question_mark();
            }
            Expr::Return(it) => self.returns(it),
            Expr::Break(it) => {
                self.each(it.expr.as_deref());
                self.body.break_to(it.label.as_ref());
            }
            Expr::Continue(it) => self.body.continue_to(it.label.as_ref()),
            Expr::Loop(it) => self.endless_loop(it),
            Expr::While(it) => self.while_loop(it),
            Expr::ForLoop(it) => self.for_loop(it),
            Expr::Macro(it) => self.macro_call(&it.mac),
            Expr::Block(it) => {
                self.body.enter(it.label.as_ref(), Kind::Block);
                self.block(&it.block, Way::On);
                self.body.leave();
            }
            Expr::TryBlock(it) => {
                self.body.enter(None, Kind::Try);
                self.block(&it.block, Way::On);
                self.body.leave();
            }
            _ if is_condition(expr) => {
                let otherwise = self.condition(expr);
                self.body.state.join(&otherwise);
            }

            // What does not run here.
            Expr::Async(_) => {
                self.literal(expr);
            }
            Expr::Closure(it) if it.asyncness.is_some() => {
                self.literal(expr);
            }
            Expr::Closure(_) => self.mentioned(expr),
            Expr::Const(_) | Expr::Infer(_) | Expr::Lit(_) => {}

            // What is made of others.
            Expr::Path(_) => self.passed_on(expr),
            Expr::Call(it) => {
                if self.scope(expr).is_none() {
                    self.expr(&it.func);
                    self.each(&it.args);
                    if never_returns(&it.func) {
                        self.body.diverge();
                    }
                }
            }
            Expr::MethodCall(it) => {
                if self.scope(expr).is_none() {
                    if name(&it.receiver).is_none() {
                        self.expr(&it.receiver);
                    }
                    self.each(&it.args);
                    self.may_spawn(it);
                }
            }
            Expr::Assign(it) => self.each([&*it.right, &*it.left]),
            Expr::Binary(it) => self.each([&*it.left, &*it.right]),
            Expr::Index(it) => self.each([&*it.expr, &*it.index]),
            Expr::Range(it) => {
                self.each(it.start.as_deref());
                self.each(it.end.as_deref());
            }
            Expr::Array(it) => self.each(&it.elems),
            Expr::Tuple(it) => self.each(&it.elems),
            Expr::Struct(it) => {
                for field in &it.fields {
                    self.under(&field.attrs, |flow| flow.expr(&field.expr));
                }
                self.each(it.rest.as_deref());
            }
            Expr::Cast(it) => self.expr(&it.expr),
            Expr::Field(it) => self.expr(&it.base),
            Expr::RawAddr(it) => self.expr(&it.expr),
            Expr::Reference(it) => self.expr(&it.expr),
            Expr::Repeat(it) => self.expr(&it.expr),
            Expr::Unary(it) => self.expr(&it.expr),
            Expr::Yield(it) => self.each(it.expr.as_deref()),

            // Syntax that is newer than the parser.
            _ => {
                self.mentioned(expr);
                self.body.unclear();
            }
        }
    }

    /// One after the other.
    fn each<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) {
        for expr in exprs {
            self.expr(expr);
        }
    }
}

/// Not all of it is evaluated.
fn is_condition(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(it) => matches!(it.op, BinOp::And(_) | BinOp::Or(_)),
        Expr::Unary(it) => matches!(it.op, UnOp::Not(_)) && is_condition(bare(&it.expr)),
        _ => false,
    }
}

/// `_`, or a new variable. A constant would be in upper case.
fn always_matches(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) => true,
        Pat::Ident(it) => {
            it.subpat.is_none() && it.ident.to_string().starts_with(|c: char| !c.is_uppercase())
        }
        Pat::Paren(it) => always_matches(&it.pat),
        _ => false,
    }
}

/// `std::process::exit` and its like. The compiler knows of all others, too, but not the macro.
fn never_returns(function: &Expr) -> bool {
    const NAMES: [&str; 5] =
        ["exit", "abort", "resume_unwind", "panic_any", "unreachable_unchecked"];
    let Expr::Path(path) = bare(function) else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|last| NAMES.iter().any(|name| last.ident == name))
}
