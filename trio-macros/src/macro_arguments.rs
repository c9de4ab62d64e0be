//! The arguments of someone else's macro, as far as they parse as expressions: those of `println!`,
//! `assert_eq!`, `vec!` and the like.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Macro};

/// The leading arguments that are expressions, and the tokens after them.
pub struct Arguments {
    pub expressions: Vec<Argument>,
    pub rest: TokenStream,
}

/// An expression with the `,` or `;` after it.
pub struct Argument {
    pub expr: Expr,
    separator: Option<TokenTree>,
}

impl Arguments {
    /// Macros that only look at the tokens have no arguments.
    pub fn parse(mac: &Macro) -> Self {
        const LOOK_ONLY: [&str; 4] = ["stringify", "quote", "quote_spanned", "parse_quote"];
        if LOOK_ONLY.iter().any(|name| is_named(mac, name)) {
            return Self { expressions: Vec::new(), rest: mac.tokens.clone() };
        }
        let read = |input: ParseStream<'_>| {
            let mut expressions = Vec::new();
            while let Some(argument) = Argument::parse(input) {
                expressions.push(argument);
            }
            Ok(Self { expressions, rest: input.parse()? })
        };
        match read.parse2(mac.tokens.clone()) {
            Ok(arguments) => arguments,
            Err(_) => Self { expressions: Vec::new(), rest: mac.tokens.clone() },
        }
    }

    /// `n` in `vec![x; n]`.
    pub fn repeated(&self) -> Option<&Expr> {
        let [Argument { separator: Some(TokenTree::Punct(sign)), .. }, times] = &*self.expressions
        else {
            return None;
        };
        (sign.as_char() == ';').then_some(&times.expr)
    }

    /// Whether nothing but expressions was found.
    #[cfg(test)]
    pub fn is_complete(&self) -> bool {
        self.rest.is_empty()
    }

    pub fn into_tokens(self) -> TokenStream {
        let mut tokens = TokenStream::new();
        for argument in self.expressions {
            argument.expr.to_tokens(&mut tokens);
            tokens.extend(argument.separator);
        }
        tokens.extend(self.rest);
        tokens
    }
}

impl Argument {
    /// The next argument; nothing is taken from the input if it is no expression.
    fn parse(input: ParseStream<'_>) -> Option<Self> {
        if input.is_empty() {
            return None;
        }
        let ahead = input.fork();
        let expr = ahead.parse().ok()?;
        let separator = if ahead.is_empty() {
            None
        } else if ahead.peek(syn::Token![,]) || ahead.peek(syn::Token![;]) {
            Some(ahead.parse().ok()?)
        } else {
            return None;
        };
        input.advance_to(&ahead);
        Some(Self { expr, separator })
    }
}

/// Whether the macro's path ends in this name.
pub fn is_named(mac: &Macro, name: &str) -> bool {
    mac.path.segments.last().is_some_and(|last| last.ident == name)
}

/// `join!` and its like. Those of others have the same names, and may give anything.
pub fn is_combinator(mac: &Macro) -> bool {
    ["join", "try_join", "race"].iter().any(|name| is_named(mac, name))
}

/// Macros of the standard library that do nothing with their arguments but evaluate them.
pub fn is_transparent(mac: &Macro) -> bool {
    const TRANSPARENT: [&str; 18] = [
        "print",
        "println",
        "eprint",
        "eprintln",
        "format",
        "format_args",
        "write",
        "writeln",
        "vec",
        "dbg",
        "assert",
        "assert_eq",
        "assert_ne",
        "debug_assert",
        "debug_assert_eq",
        "debug_assert_ne",
        "matches",
        "concat",
    ];
    TRANSPARENT.iter().any(|name| is_named(mac, name))
}

/// Macros whose arguments are formatted, in a statement of their own.
pub fn is_formatting(mac: &Macro) -> bool {
    ["print", "println", "eprint", "eprintln", "format", "write", "writeln", "panic"]
        .iter()
        .any(|name| is_named(mac, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn count(mac: &Macro) -> (usize, bool) {
        let arguments = Arguments::parse(mac);
        (arguments.expressions.len(), arguments.is_complete())
    }

    #[test]
    fn arguments_are_read_up_to_the_first_that_is_no_expression() {
        assert_eq!(count(&parse_quote!(println!("{} {x}", a.await, x = b.await,))), (3, true));
        assert_eq!(count(&parse_quote!(vec![a.await; 3])), (2, true));
        assert_eq!(count(&parse_quote!(matches!(a.await, Some(x) if x > 1))), (1, false));
        assert_eq!(count(&parse_quote!(select! { x = a.await => x })), (0, false));
        assert_eq!(count(&parse_quote!(stringify!(a.await))), (0, false));
    }

    #[test]
    fn tokens_come_back_as_they_were() {
        let mac: Macro = parse_quote!(matches!(a.await, Some(x) if x > 1));
        let tokens = Arguments::parse(&mac).into_tokens();
        assert_eq!(tokens.to_string(), mac.tokens.to_string());
    }
}
