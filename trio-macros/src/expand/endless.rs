//! Bodies that end in a loop without an end.
//!
//! Such a body has no value, so that its type would be `!`, which is neither what a nursery takes for
//! the output of a task nor what a cancelled nursery can return. It is given the type `()`, which an
//! `if` without `else` has:
//!
//! ```text
//! async { loop { work().await } }        async { if true { loop { work().await } } }
//! ```

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote_spanned;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprLoop, Lifetime, Stmt};

/// Whether an `async` block ends in a loop that alone decides on its type.
pub fn is_block_endless(block: &Block) -> bool {
    is_endless(block, |search| !search.breaks && !search.returns)
}

/// Whether a nursery's body does, where `?` has a type of its own.
pub fn is_nursery_endless(block: &Block) -> bool {
    is_endless(block, |search| !search.breaks)
}

/// Gives a body that is endless, and has been rewritten since, the type `()`.
pub fn settle(block: &mut Block) {
    if let Some(Stmt::Expr(last, _)) = block.stmts.last_mut() {
        *last = Expr::Verbatim(quote_spanned!(Span::mixed_site()=> if true { #last }));
    }
}

fn is_endless(block: &Block, endless: fn(&Search<'_>) -> bool) -> bool {
    let Some(Stmt::Expr(Expr::Loop(it), _)) = block.stmts.last() else { return false };
    let mut search = Search::of(it);
    search.visit_block(&it.body);
    endless(&search)
}

/// Looks for what leaves a loop.
struct Search<'a> {
    label: Option<&'a Lifetime>,
    /// How many loops are around the place, inside this one.
    inside: usize,
    breaks: bool,
    returns: bool,
}

impl<'a> Search<'a> {
    fn of(it: &'a ExprLoop) -> Self {
        let label = it.label.as_ref().map(|label| &label.name);
        Search { label, inside: 0, breaks: false, returns: false }
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Closure(_) | Expr::Async(_) | Expr::Const(_) => {}
            Expr::Break(it) => {
                self.breaks |= match &it.label {
                    Some(label) => Some(label) == self.label,
                    None => self.inside == 0,
                };
                visit::visit_expr(self, expr);
            }
            Expr::Return(_) | Expr::Try(_) => {
                self.returns = true;
                visit::visit_expr(self, expr);
            }
            Expr::Loop(_) | Expr::While(_) | Expr::ForLoop(_) => {
                self.inside += 1;
                visit::visit_expr(self, expr);
                self.inside -= 1;
            }
            _ => visit::visit_expr(self, expr),
        }
    }

    /// Whatever may be in it.
    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let doubtful = mentions(mac.tokens.clone());
        self.breaks |= doubtful;
        self.returns |= doubtful;
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

/// Whether tokens may leave what is around them.
fn mentions(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "break" || ident == "return",
        TokenTree::Punct(punct) => punct.as_char() == '?',
        TokenTree::Group(group) => mentions(group.stream()),
        TokenTree::Literal(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loop_that_nothing_leaves_is_endless() {
        let cases = [
            ("{ loop { f().await } }", true, true),
            ("{ loop { f().await }; }", true, true),
            ("{ loop { for x in y { break } } }", true, true),
            ("{ loop { let f = || return 1; } }", true, true),
            ("{ loop { if c { break } } }", false, false),
            ("{ 'a: loop { loop { break 'a } } }", false, false),
            ("{ loop { f().await? } }", false, true),
            ("{ loop { m!(break) } }", false, false),
            ("{ loop {} 1 }", false, false),
        ];
        for (block, of_block, of_nursery) in cases {
            let parsed = syn::parse_str(block).expect("it is a block");
            assert_eq!(is_block_endless(&parsed), of_block, "{block}");
            assert_eq!(is_nursery_endless(&parsed), of_nursery, "{block}");
        }
    }
}
