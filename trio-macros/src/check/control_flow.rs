//! `return`, `break` and `continue` that would leave the body of a nursery.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, Item, Lifetime, Macro};

use crate::macro_arguments::Arguments;
use crate::nursery::is_nursery;
use crate::report::Report;
use crate::rules;

/// Reports what leaves the body, and takes it out: the body becomes a frame of its own, in which the
/// compiler would report it again in other words.
pub fn remove_escapes(body: &mut Block, binder: &str, report: &mut Report) {
    Escapes { binder, report, labels: Vec::new(), loops: 0 }.visit_block_mut(body);
}

struct Escapes<'a> {
    binder: &'a str,
    report: &'a mut Report,
    /// The labels inside the body.
    labels: Vec<String>,
    /// How many loops there are around this place, inside the body.
    loops: usize,
}

impl Escapes<'_> {
    fn stays(&self, label: Option<&Lifetime>) -> bool {
        match label {
            Some(label) => self.labels.contains(&label.ident.to_string()),
            None => self.loops > 0,
        }
    }

    fn within(&mut self, label: Option<&syn::Label>, loops: usize, visit: impl FnOnce(&mut Self)) {
        self.labels.extend(label.map(|label| label.name.ident.to_string()));
        self.loops += loops;
        visit(self);
        self.loops -= loops;
        if label.is_some() {
            self.labels.pop();
        }
    }

    fn refuse(&mut self, keyword: TokenStream, value: Option<&Expr>) -> Expr {
        let text = keyword.to_string();
        let help = match text.as_str() {
            "return" => {
                "it would leave only the nursery body: call `{n}.cancel()` and return after \
                         the nursery"
            }
            _ => "call `{n}.cancel()`, and leave the loop after the nursery",
        };
        let help = help.replace("{n}", self.binder);
        self.report.structure(rules::CONTROL_FLOW_IN_NURSERY, &keyword, &[&text, &help]);
        let value = value.map(|value| quote_spanned!(Span::mixed_site()=> _ = #value;));
        Expr::Verbatim(quote_spanned!(Span::mixed_site()=> { #value ::core::unreachable!() }))
    }
}

impl VisitMut for Escapes<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Loop(it) => {
                let label = it.label.clone();
                self.within(label.as_ref(), 1, |s| visit_mut::visit_expr_loop_mut(s, it));
            }
            Expr::While(it) => {
                let label = it.label.clone();
                self.within(label.as_ref(), 1, |s| visit_mut::visit_expr_while_mut(s, it));
            }
            Expr::ForLoop(it) => {
                self.visit_expr_mut(&mut it.expr);
                let label = it.label.clone();
                self.within(label.as_ref(), 1, |s| s.visit_block_mut(&mut it.body));
            }
            Expr::Block(it) => {
                let label = it.label.clone();
                self.within(label.as_ref(), 0, |s| visit_mut::visit_expr_block_mut(s, it));
            }
            Expr::Closure(_) | Expr::Async(_) => {}
            _ => {
                visit_mut::visit_expr_mut(self, expr);
                let escape = match expr {
                    Expr::Return(it) => Some((&it.return_token as &dyn quote::ToTokens, &it.expr)),
                    Expr::Break(it) if !self.stays(it.label.as_ref()) => {
                        Some((&it.break_token as _, &it.expr))
                    }
                    Expr::Continue(it) if !self.stays(it.label.as_ref()) => {
                        Some((&it.continue_token as _, &None))
                    }
                    _ => None,
                };
                if let Some((keyword, value)) = escape {
                    *expr = self.refuse(keyword.to_token_stream(), value.as_deref());
                }
            }
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        // The body of a nursery inside is checked when it is expanded, and so is what it leaves.
        if is_nursery(mac) {
            return;
        }
        let before = self.report.len();
        let mut arguments = Arguments::parse(mac);
        for argument in &mut arguments.expressions {
            self.visit_expr_mut(&mut argument.expr);
        }
        if self.report.len() > before {
            mac.tokens = arguments.into_tokens();
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn count(mut block: Block) -> usize {
        let mut report = Report::default();
        remove_escapes(&mut block, "n", &mut report);
        report.len()
    }

    #[test]
    fn what_leaves_the_body_is_refused_all_at_once() {
        assert_eq!(
            count(parse_quote!({
                if c {
                    return 1;
                }
                if d {
                    break;
                }
                continue;
            })),
            3
        );
        assert_eq!(
            count(parse_quote!({
                loop {
                    break 'outer;
                }
            })),
            1
        );
        assert_eq!(count(parse_quote!({ println!("{}", return) })), 1);
        assert_eq!(count(parse_quote!({ 'block: { break } })), 1);
    }

    #[test]
    fn what_stays_inside_passes() {
        assert_eq!(
            count(parse_quote!({
                loop {
                    if c {
                        continue;
                    }
                    break;
                }
            })),
            0
        );
        assert_eq!(
            count(parse_quote!({
                'a: for x in y {
                    loop {
                        continue 'a;
                    }
                }
            })),
            0
        );
        assert_eq!(count(parse_quote!({ 'block: { break 'block 1 } })), 0);
        assert_eq!(
            count(parse_quote!({
                v.iter().map(|x| return x);
                async { return 1 }
            })),
            0
        );
        assert_eq!(
            count(parse_quote!({
                f()?;
            })),
            0
        );
    }
}
