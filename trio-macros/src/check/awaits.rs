//! What is never awaited: a whole function, or an `async` block that is a statement.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Item, Macro, Stmt, Visibility};

use crate::item::{Body, Function};
use crate::levels::Levels;
use crate::macro_arguments::{Arguments, is_named, is_transparent};
use crate::report::Report;
use crate::rules;

/// Reports a function without a single cancellation point.
///
/// Stubs pass, and so do methods whose form may be dictated by a trait.
pub fn never_awaits(function: &Function, block: &Block, levels: &Levels, report: &mut Report) {
    if is_stub(block) || may_belong_to_trait(function) {
        return;
    }
    let mut search = MayAwait(false);
    search.visit_block(block);
    if !search.0 {
        report.rule(levels, rules::NEVER_AWAITS, &function.signature.ident, &[]);
    }
}

/// Reports `async { … };`.
pub fn unawaited_block(stmt: &Stmt, levels: &Levels, report: &mut Report) {
    if let Stmt::Expr(Expr::Async(block), Some(_)) = stmt {
        report.rule(levels, rules::UNAWAITED_BLOCK, &block.async_token, &[]);
    }
}

/// Whether the expression may hold an `.await`.
pub fn may_await(expr: &Expr) -> bool {
    let mut search = MayAwait(false);
    search.visit_expr(expr);
    search.0
}

/// An empty body, or only `todo!()`, `unimplemented!()` or `panic!()`.
pub fn is_stub(block: &Block) -> bool {
    let mac = match block.stmts.as_slice() {
        [] => return true,
        [Stmt::Macro(stmt)] => &stmt.mac,
        [Stmt::Expr(Expr::Macro(expr), _)] => &expr.mac,
        _ => return false,
    };
    ["todo", "unimplemented", "panic", "unreachable"].iter().any(|name| is_named(mac, name))
}

/// An attribute does not see what its function is in. A method of a trait has no visibility, and it
/// nearly always mentions `self` or `Self`, in its body if not in its signature.
pub fn may_belong_to_trait(function: &Function) -> bool {
    let is_self = |token| matches!(token, TokenTree::Ident(ident) if ident == "Self");
    let body = match &function.body {
        Body::Parsed(block) => block.to_token_stream(),
        Body::Missing(_) | Body::Opaque(..) => TokenStream::new(),
    };
    matches!(function.visibility, Visibility::Inherited)
        && (function.signature.receiver().is_some()
            || flatten(function.signature.to_token_stream()).any(is_self)
            || flatten(body).any(is_self))
}

/// The tokens, those in groups too.
fn flatten(tokens: TokenStream) -> Box<dyn Iterator<Item = TokenTree>> {
    Box::new(tokens.into_iter().flat_map(|token| match token {
        TokenTree::Group(group) => flatten(group.stream()),
        other => Box::new(std::iter::once(other)),
    }))
}

/// Looks for anything that awaits, or that could in a way the macro cannot see.
struct MayAwait(bool);

impl<'ast> Visit<'ast> for MayAwait {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Await(_) | Expr::Async(_) | Expr::Verbatim(_) => self.0 = true,
            Expr::Closure(closure) if closure.asyncness.is_none() => {}
            Expr::Closure(_) => self.0 = true,
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        let arguments = Arguments::parse(mac);
        if !is_transparent(mac) {
            self.0 = true;
        }
        for argument in &arguments.expressions {
            let mut search = MayAwait(false);
            search.visit_expr(&argument.expr);
            self.0 |= search.0;
        }
    }

    fn visit_item(&mut self, _: &'ast Item) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item;
    use quote::quote;
    use syn::parse_quote;

    fn refused(tokens: TokenStream) -> bool {
        let item::Item::Function(function) = item::Item::parse(tokens) else { panic!() };
        let item::Body::Parsed(block) = &function.body else { panic!() };
        let mut report = Report::default();
        never_awaits(&function, block, &Levels::default(), &mut report);
        !report.is_empty()
    }

    #[test]
    fn a_function_that_only_computes_is_refused() {
        assert!(refused(quote!(
            async fn f() -> u32 {
                1 + 1
            }
        )));
        assert!(refused(quote!(
            async fn f() {
                println!("{}", 1);
            }
        )));
        assert!(refused(quote!(
            async fn f() {
                let g = || async { 1 };
            }
        )));
        assert!(refused(quote!(
            pub async fn f(&self) {
                self.g()
            }
        )));
    }

    #[test]
    fn a_block_as_a_statement_is_refused() {
        for (stmt, expected) in [
            (parse_quote!(async { g().await };), 1),
            (parse_quote!(async { g().await }.await;), 0),
            (parse_quote!(let b = async { g().await };), 0),
        ] {
            let mut report = Report::default();
            unawaited_block(&stmt, &Levels::default(), &mut report);
            assert_eq!(report.len(), expected);
        }
    }

    #[test]
    fn whatever_may_await_passes() {
        assert!(!refused(quote!(
            async fn f() {
                g().await
            }
        )));
        assert!(!refused(quote!(
            async fn f() {
                println!("{}", g().await)
            }
        )));
        assert!(!refused(quote!(
            async fn f() {
                my_macro!(g)
            }
        )));
        assert!(!refused(quote!(
            async fn f() {}
        )));
        assert!(!refused(quote!(
            async fn f() -> u32 {
                todo!()
            }
        )));
        assert!(!refused(quote!(
            async fn f(&self) -> u32 {
                1
            }
        )));
        assert!(!refused(quote!(
            async fn f() -> Self {
                S
            }
        )));
        assert!(!refused(quote!(
            async fn f() -> u32 {
                Self::LIMIT
            }
        )));
    }
}
