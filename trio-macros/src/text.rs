//! The text of an expression, for messages and sites.

use proc_macro2::Delimiter::{Brace, Bracket, None as Nothing, Parenthesis};
use proc_macro2::{Literal, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The text of an expression on one line, shortened if it is long.
pub fn text(expr: &impl ToTokens) -> String {
    const LONGEST: usize = 60;
    let mut text = String::new();
    write(expr.to_token_stream(), &mut text);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let start: String = text.chars().take(LONGEST - 1).collect();
    format!("{}…", start.trim_end())
}

/// Writes tokens the way people do: spaces around operators and after commas, none elsewhere.
fn write(tokens: TokenStream, text: &mut String) {
    let mut joint = true;
    for token in tokens {
        let word = matches!(&token, TokenTree::Ident(_) | TokenTree::Literal(_));
        let after_word = text.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '"');
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Parenthesis => ("(", ")"),
                    Bracket => ("[", "]"),
                    Brace if group.stream().is_empty() => (" {", "}"),
                    Brace => (" { ", " }"),
                    Nothing => ("", ""),
                };
                let open =
                    if text.is_empty() || text.ends_with(' ') { open.trim_start() } else { open };
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
                joint = false;
            }
            TokenTree::Punct(punct) => {
                punctuate(punct.as_char(), after_word, joint, text);
                joint = punct.spacing() == Spacing::Joint;
            }
            other => {
                if word && after_word {
                    text.push(' ');
                }
                text.push_str(&spelling(&other));
                joint = false;
            }
        }
    }
}

/// Writes one sign. Those that nearly always stand between two operands get spaces.
fn punctuate(sign: char, after_operand: bool, joint: bool, text: &mut String) {
    match sign {
        ',' | ';' => {
            text.push(sign);
            text.push(' ');
        }
        '+' | '/' | '%' | '^' | '=' if after_operand && !joint => {
            text.push(' ');
            text.push(sign);
            text.push(' ');
        }
        _ => text.push(sign),
    }
}

/// A literal can be a whole page.
fn spelling(token: &TokenTree) -> String {
    match token {
        TokenTree::Literal(literal) => first_line(literal),
        other => other.to_string(),
    }
}

fn first_line(literal: &Literal) -> String {
    let text = literal.to_string();
    match text.split_once('\n') {
        Some((line, _)) => format!("{}…", line.trim_end()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Span;
    use syn::Expr;
    use syn::parse_quote;

    #[test]
    fn the_text_reads_as_it_was_written() {
        let cases: [(Expr, &str); 5] = [
            (parse_quote!(fetch(&url, 1)), "fetch(&url, 1)"),
            (parse_quote!(self.inner.lock()), "self.inner.lock()"),
            (parse_quote!(a::b::<u32>(x)?), "a::b::<u32>(x)?"),
            (parse_quote!(f(a + 1, *b, |x| x)), "f(a + 1, *b, |x|x)"),
            (parse_quote!(async move { g().await }), "async move { g().await }"),
        ];
        for (expr, expected) in cases {
            assert_eq!(text(&expr), expected);
        }
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = "a".repeat(100);
        let text = text(&syn::Ident::new(&long, Span::call_site()));
        assert_eq!(text.chars().count(), 60);
        assert!(text.ends_with('…'));
    }
}
