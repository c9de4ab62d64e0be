//! Parses what an attribute stands on: the signature strictly, the body leniently.
//!
//! A body that does not parse has already been reported by the compiler, or is being typed in an
//! editor at this moment. It goes through as it is.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Block, Signature, Stmt, Token, Visibility, token};

/// What the attribute stands on.
pub enum Item {
    Function(Box<Function>),
    /// Something else, known by its keyword.
    Other(Ident, TokenStream),
    /// Nothing that can be read.
    Unreadable(TokenStream),
}

/// A function, with or without a body.
pub struct Function {
    pub attributes: Vec<Attribute>,
    pub visibility: Visibility,
    pub defaultness: Option<Token![default]>,
    pub signature: Signature,
    pub body: Body,
}

pub enum Body {
    /// `;`, in a trait.
    Missing(Token![;]),
    Parsed(Block),
    /// What could not be parsed, and its braces.
    Opaque(token::Brace, TokenStream),
}

impl Item {
    pub fn parse(tokens: TokenStream) -> Self {
        match syn::parse2::<Function>(tokens.clone()) {
            Ok(function) => Self::Function(Box::new(function)),
            Err(_) => match keyword(&tokens) {
                Some(keyword) => Self::Other(keyword, tokens),
                None => Self::Unreadable(tokens),
            },
        }
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let defaultness = match input.peek(Token![default]) {
            true => Some(input.parse()?),
            false => None,
        };
        let signature = input.parse()?;
        let body = match input.peek(Token![;]) {
            true => Body::Missing(input.parse()?),
            false => Body::parse(input, &mut attributes)?,
        };
        Ok(Self { attributes, visibility, defaultness, signature, body })
    }
}

impl Body {
    /// Inner attributes become outer ones, which mean the same.
    fn parse(input: ParseStream<'_>, attributes: &mut Vec<Attribute>) -> syn::Result<Self> {
        let content;
        let brace_token: token::Brace = syn::braced!(content in input);
        let tokens: TokenStream = content.parse()?;
        let read = |input: ParseStream<'_>| -> syn::Result<(Vec<Attribute>, Vec<Stmt>)> {
            Ok((input.call(Attribute::parse_inner)?, input.call(Block::parse_within)?))
        };
        match read.parse2(tokens.clone()) {
            Ok((inner, stmts)) => {
                attributes.extend(
                    inner
                        .into_iter()
                        .map(|attribute| Attribute { style: syn::AttrStyle::Outer, ..attribute }),
                );
                Ok(Self::Parsed(Block { brace_token, stmts }))
            }
            Err(_) => Ok(Self::Opaque(brace_token, tokens)),
        }
    }
}

/// The keyword that says what kind of item this is.
fn keyword(tokens: &TokenStream) -> Option<Ident> {
    const KEYWORDS: [&str; 10] =
        ["struct", "enum", "union", "impl", "mod", "trait", "use", "type", "static", "const"];
    tokens.clone().into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if KEYWORDS.iter().any(|keyword| ident == keyword) => Some(ident),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn function(tokens: TokenStream) -> Function {
        match Item::parse(tokens) {
            Item::Function(function) => *function,
            _ => panic!("a function was expected"),
        }
    }

    #[test]
    fn a_body_that_does_not_parse_is_kept() {
        let function = function(quote!(async fn f(a: u32) { let x = ; }));
        assert_eq!(function.signature.ident, "f");
        assert!(matches!(function.body, Body::Opaque(..)));
    }

    #[test]
    fn inner_attributes_become_outer_ones() {
        let function = function(quote!(
            #[a]
            async fn f() {
                #![allow(unused)]
            }
        ));
        assert_eq!(function.attributes.len(), 2);
    }

    #[test]
    fn other_items_are_known_by_their_keyword() {
        for (tokens, expected) in [
            (
                quote!(
                    #[derive(Debug)]
                    pub struct S;
                ),
                "struct",
            ),
            (
                quote!(
                    unsafe impl T for S {}
                ),
                "impl",
            ),
            (
                quote!(
                    pub(crate) mod m {}
                ),
                "mod",
            ),
        ] {
            let Item::Other(keyword, _) = Item::parse(tokens) else { panic!("{expected}") };
            assert_eq!(keyword, expected);
        }
    }
}
