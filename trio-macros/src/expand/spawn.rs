//! `n.spawn(f, a)`, `n.start(f, a)` and their like on a nursery.

use proc_macro2::Ident;
use syn::{Expr, ExprAwait, ExprMethodCall, Stmt};

use super::body::Rewriter;
use super::thunks::Thunk;
use crate::attributes::bare;
use crate::names::{Extent, hidden};
use crate::rules;

/// A method of a nursery that takes a function and its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `spawn(f, a, …)`, and `spawn_monitored` and `spawn_service` alike
    Spawn,
    /// `spawn_named(name, f, a, …)`
    Named,
    /// `start(f, a, …)`, and `start_service` alike: the function's first parameter is the task's status.
    Start,
}

impl Method {
    /// Which it is, if the receiver is a nursery.
    pub fn of(rewriter: &Rewriter<'_>, call: &ExprMethodCall) -> Option<Self> {
        if !rewriter.binders.contain(&call.receiver) {
            return None;
        }
        match call.method.to_string().as_str() {
            "spawn" | "spawn_monitored" | "spawn_service" => Some(Self::Spawn),
            "spawn_named" => Some(Self::Named),
            "start" | "start_service" => Some(Self::Start),
            _ => None,
        }
    }
}

/// Reports `n.spawn(…).await`, and gives the call without it.
pub fn awaited(rewriter: &mut Rewriter<'_>, expr: &ExprAwait) -> Option<Expr> {
    let Expr::MethodCall(call) = bare(&expr.base) else {
        return None;
    };
    match Method::of(rewriter, call)? {
        Method::Start => None,
        Method::Spawn | Method::Named => {
            let method = call.method.to_string();
            let levels = rewriter.levels.clone();
            let place = &expr.await_token;
            rewriter.report.rule(&levels, rules::SPAWN_AWAITED, place, &[&method]);
            Some((*expr.base).clone())
        }
    }
}

/// Reports `n.start(…);`.
pub fn start_statement(rewriter: &mut Rewriter<'_>, stmt: &Stmt) {
    let Stmt::Expr(Expr::MethodCall(call), Some(_)) = stmt else {
        return;
    };
    if Method::of(rewriter, call) == Some(Method::Start) {
        rewriter.levels.enter(&call.attrs);
        let levels = rewriter.levels.clone();
        rewriter.report.rule(&levels, rules::START_NOT_AWAITED, &call.method, &[]);
        rewriter.levels.leave();
    }
}

/// A function with arguments.
///
/// ```text
/// n.spawn(f, a, b)
///
/// (match ((f,), (a,), (b,)) { thunk => n.spawn(move || { …f(a, b)… }) })
/// ```
pub fn expand(method: Method, call: &mut ExprMethodCall, place: Extent) -> Option<Expr> {
    let first = usize::from(method == Method::Named);
    if call.args.len() < first + 2 {
        return None;
    }
    let mut parts: Vec<Expr> = std::mem::take(&mut call.args).into_iter().collect();
    call.args.extend(parts.drain(..first));
    let status = [hidden("status")];
    let parameters: &[Ident] = if method == Method::Start { &status } else { &[] };
    let thunk = Thunk::new(parts);
    call.args.push(Expr::Verbatim(thunk.tokens(parameters)));
    Some(thunk.around(place, call))
}
