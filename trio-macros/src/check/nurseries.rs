//! Nurseries that do nothing a plain `.await` would not do.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Block, Expr, ExprMethodCall, Macro, Pat, Stmt};

use crate::attributes::bare;
use crate::levels::Levels;
use crate::mentions::Mentions;
use crate::nursery::Nursery;
use crate::report::Report;
use crate::rules;

/// Reports a nursery with one task or none.
pub fn check(mac: &Macro, nursery: &Nursery, levels: &Levels, report: &mut Report) {
    let Some(binder) = name(&nursery.binder) else {
        return;
    };
    let place = mac.path.segments.last().to_token_stream();
    if is_unused(&binder, &nursery.body) {
        report.rule(levels, rules::UNUSED_NURSERY, &place, &[]);
    } else if is_useless(&binder, &nursery.body) {
        report.rule(levels, rules::USELESS_NURSERY, &place, &[]);
    }
}

fn name(binder: &Pat) -> Option<String> {
    match binder {
        Pat::Type(typed) => name(&typed.pat),
        Pat::Ident(name) => Some(name.ident.to_string()),
        _ => None,
    }
}

fn is_unused(binder: &str, body: &Block) -> bool {
    !binder.starts_with('_') && !mentions(binder, body.to_token_stream())
}

/// The body is `n.spawn(…)` or `n.start(…).await` alone, and hands `n` to nobody.
fn is_useless(binder: &str, body: &Block) -> bool {
    let [Stmt::Expr(only, _)] = body.stmts.as_slice() else {
        return false;
    };
    let Some(call) = starting(only) else {
        return false;
    };
    let by_binder = call.receiver.to_token_stream().to_string() == binder;
    by_binder && !mentions(binder, call.args.to_token_stream())
}

fn starting(expr: &Expr) -> Option<&ExprMethodCall> {
    match bare(expr) {
        Expr::MethodCall(call) if call.method == "spawn" => Some(call),
        Expr::Try(tried) => starting(&tried.expr),
        Expr::Await(awaited) => match bare(&awaited.base) {
            Expr::MethodCall(call) if call.method == "start" => Some(call),
            _ => None,
        },
        _ => None,
    }
}

fn mentions(name: &str, tokens: TokenStream) -> bool {
    Mentions::of(tokens).count(name) > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn found(mac: Macro) -> String {
        let Ok(nursery) = Nursery::parse(&mac) else { panic!() };
        let mut report = Report::default();
        check(&mac, &nursery, &Levels::default(), &mut report);
        report.warned().concat()
    }

    #[test]
    fn a_nursery_of_one_task_is_found() {
        assert_eq!(
            found(parse_quote!(nursery!(|n| {
                n.spawn(f, 1);
            }))),
            "useless_nursery"
        );
        assert_eq!(found(parse_quote!(nursery!(|n| n.spawn(f, 1)))), "useless_nursery");
        assert_eq!(found(parse_quote!(nursery!(|n| n.start(f).await?))), "useless_nursery");
        assert_eq!(
            found(parse_quote!(nursery!(|n| {
                n.spawn(f, n);
            }))),
            ""
        );
        assert_eq!(
            found(parse_quote!(nursery!(|n| {
                n.spawn(f);
                n.spawn(g);
            }))),
            ""
        );
        assert_eq!(
            found(parse_quote!(nursery!(|n| for x in v {
                n.spawn(f, x);
            }))),
            ""
        );
        assert_eq!(
            found(parse_quote!(nursery!(|n| {
                m.spawn(f, n);
            }))),
            ""
        );
    }

    #[test]
    fn a_nursery_that_is_not_used_is_found() {
        assert_eq!(
            found(parse_quote!(nursery!(|n| {
                f().await;
            }))),
            "unused_nursery"
        );
        assert_eq!(
            found(parse_quote!(nursery!(|_n| {
                f().await;
            }))),
            ""
        );
        assert_eq!(
            found(parse_quote!(nursery!(|_| {
                f().await;
            }))),
            ""
        );
        assert_eq!(
            found(parse_quote!(nursery!(|n| {
                my_macro!(n);
                f().await;
            }))),
            ""
        );
        assert_eq!(found(parse_quote!(nursery!(|n| println!("{n:?}")))), "");
    }
}
