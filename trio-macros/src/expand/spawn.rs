//! `n.spawn(f, a)`, `n.start(f, a)` and their like on a nursery.

use proc_macro2::{Ident, Span};
use quote::quote_spanned;
use syn::{Expr, ExprAwait, ExprMethodCall, Stmt};

use super::body::Rewriter;
use super::thunks::Thunk;
use crate::attributes::bare;
use crate::names::{Crate, Extent, hidden};
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

/// A function and its arguments.
///
/// ```text
/// n.spawn(f, a, b)
///
/// (match ((f,), (a,), (b,)) { thunk => n.spawn(move || { …f(a, b)… }) })
/// ```
pub fn expand(
    names: &Crate,
    method: Method,
    call: &mut ExprMethodCall,
    place: Extent,
) -> Option<Expr> {
    let first = usize::from(method == Method::Named);
    let function = call.args.get(first)?;
    let status = [Ident::new("status", Span::mixed_site().located_at(Extent::of(function).first))];
    let parameters: &[Ident] = if method == Method::Start { &status } else { &[] };
    if call.args.len() == first + 1 {
        let is_called = match bare(function) {
            // A wrong number of arguments is reported at the call, and not wherever the types go.
            Expr::Path(_) => method == Method::Start,
            Expr::Closure(closure) => closure.asyncness.is_none(),
            _ => false,
        };
        if !is_called {
            return alone(names, method, call, place);
        }
    }
    let mut parts: Vec<Expr> = std::mem::take(&mut call.args).into_iter().collect();
    call.args.extend(parts.drain(..first));
    let thunk = Thunk::new(parts);
    call.args.push(Expr::Verbatim(thunk.tokens(parameters, Some(names))));
    Some(thunk.around(place, call))
}

/// A name without arguments. What it stands for is passed as it is, unless it is a function that is not
/// async.
///
/// ```text
/// n.spawn(f)
///
/// (match (f,) {
///     thunk => {
///         use {LookAsync as _, LookNotAsync as _, LookOther as _};
///         n.spawn((&&&LookThunk(&thunk.0)).kind().thunk(thunk.0))
///     }
/// })
/// ```
fn alone(names: &Crate, method: Method, call: &mut ExprMethodCall, place: Extent) -> Option<Expr> {
    const THUNK: &str = "__trio_thunk";
    let is_name = |expr: &Expr| matches!(bare(expr), Expr::Path(_));
    if method == Method::Start || !call.args.last().is_some_and(is_name) {
        return None;
    }
    let argument = call.args.pop()?;
    let span = Span::mixed_site();
    let private = names.private();
    let inside = Extent::of(&argument);
    let (variable, passed) = (hidden(THUNK), quote_spanned!(span=> __trio_thunk.0));
    let thunk = Ident::new("thunk", inside.first);
    call.args.push(Expr::Verbatim(quote_spanned! {span=>
        (&&&#private::LookThunk(&#variable.0)).kind().#thunk(#passed)
    }));
    Some(Expr::Verbatim(place.matched(
        &quote_spanned!(span=> (#argument,)),
        &quote_spanned! {span=>
            #variable => {
                #[allow(unused_imports)]
                use #private::thunk_traits::{LookAsync as _, LookNotAsync as _, LookOther as _};
                #call
            }
        },
    )))
}
