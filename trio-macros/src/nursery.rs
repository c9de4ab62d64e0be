//! Parses `nursery!(|n| { … })`.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{Block, Expr, Macro, Pat, ReturnType, Stmt, token};

/// A nursery, taken apart.
pub struct Nursery {
    pub binder: Pat,
    pub body: Block,
}

/// Why it could not be.
pub enum Fault {
    /// It is not Rust; the error is the parser's.
    Syntax(syn::Error),
    /// It is, but not of the right form: where, and what is wrong.
    Form(TokenStream, &'static str),
}

/// Whether this is `nursery!` or `trio::nursery!`.
pub fn is_nursery(mac: &Macro) -> bool {
    mac.path.segments.last().is_some_and(|last| last.ident == "nursery")
}

/// What stays of a nursery that a task function has rewritten: the macro called with nothing to do.
/// With it the user's import of `nursery!` is used, and one that is missing is missed.
pub fn witness(mac: &Macro) -> TokenStream {
    let path = &mac.path;
    quote_spanned!(Span::mixed_site()=> #path! { @rewritten })
}

/// Whether these are the arguments of a [`witness`].
pub fn is_witness(arguments: &TokenStream) -> bool {
    let mut tokens = arguments.clone().into_iter();
    matches!(tokens.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == '@')
        && matches!(tokens.next(), Some(TokenTree::Ident(ident)) if ident == "rewritten")
        && tokens.next().is_none()
}

impl Nursery {
    pub fn parse(mac: &Macro) -> Result<Self, Fault> {
        let fault = |place: &dyn ToTokens, what| Err(Fault::Form(place.to_token_stream(), what));
        if mac.tokens.is_empty() {
            return fault(mac, "");
        }
        let closure = match mac.parse_body_with(trailing_comma).map_err(Fault::Syntax)? {
            Expr::Closure(closure) => closure,
            other => return fault(&other, ""),
        };
        if let Some(keyword) = &closure.asyncness {
            return fault(keyword, ": remove `async`, its body is part of the task");
        }
        if let Some(keyword) = &closure.capture {
            return fault(keyword, ": remove `move`, its body is part of the task");
        }
        if !matches!(closure.output, ReturnType::Default) {
            return fault(&closure.output, ": remove the return type");
        }
        let mut binders = closure.inputs.iter();
        let (Some(binder), None) = (binders.next(), binders.next()) else {
            return match closure.inputs.is_empty() {
                true => fault(&mac.path, ""),
                false => fault(&closure.inputs, ""),
            };
        };
        let name = match binder {
            Pat::Type(typed) => &*typed.pat,
            other => other,
        };
        match name {
            Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none() => {}
            Pat::Wild(_) => {}
            _ => return fault(binder, ": give the nursery a plain name"),
        }
        let binder = binder.clone();
        Ok(Self { binder, body: into_block(*closure.body) })
    }
}

fn trailing_comma(input: syn::parse::ParseStream<'_>) -> syn::Result<Expr> {
    let expr = input.parse()?;
    input.parse::<Option<syn::Token![,]>>()?;
    Ok(expr)
}

/// The body of a closure as a block, without braces around braces.
pub fn into_block(body: Expr) -> Block {
    match body {
        Expr::Block(block) if block.label.is_none() && block.attrs.is_empty() => block.block,
        other => {
            Block { brace_token: token::Brace::default(), stmts: vec![Stmt::Expr(other, None)] }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;
    use syn::parse_quote;

    fn fault(mac: Macro) -> &'static str {
        match Nursery::parse(&mac) {
            Ok(_) => panic!("a fault was expected"),
            Err(Fault::Syntax(_)) => "syntax",
            Err(Fault::Form(_, what)) => what,
        }
    }

    #[test]
    fn every_form_of_binder_is_read() {
        for mac in [
            parse_quote!(nursery!(|n| {
                a.await;
            })),
            parse_quote!(trio::nursery!(|_n| a.await,)),
            parse_quote!(nursery!(|n: Nursery<'_>| {})),
            parse_quote!(nursery!(|_| {})),
        ] {
            assert!(is_nursery(&mac) && Nursery::parse(&mac).is_ok());
        }
    }

    #[test]
    fn a_witness_is_told_from_a_stray_nursery() {
        let witness: Macro = syn::parse2(witness(&parse_quote!(trio::nursery!(|n| {})))).unwrap();
        assert!(is_nursery(&witness) && is_witness(&witness.tokens));
        for stray in [quote!(), quote!(|n| {}), quote!(@), quote!(@rewritten |n| {})] {
            assert!(!is_witness(&stray));
        }
    }

    #[test]
    fn other_closures_are_refused() {
        assert!(fault(parse_quote!(nursery!(async |n| {}))).contains("`async`"));
        assert!(fault(parse_quote!(nursery!(move |n| {}))).contains("`move`"));
        assert!(fault(parse_quote!(nursery!(|(a, b)| {}))).contains("plain name"));
        assert_eq!(fault(parse_quote!(nursery!(|a, b| {}))), "");
        assert_eq!(fault(parse_quote!(nursery!({ 1 }))), "");
        assert_eq!(fault(parse_quote!(nursery!(|n| { let }))), "syntax");
    }
}
