//! How often each name is mentioned in tokens: as an identifier, or in a format string.

use std::collections::HashMap;

use proc_macro2::{TokenStream, TokenTree};

/// The names, and how often they are there.
#[derive(Default)]
pub struct Mentions(HashMap<String, usize>);

impl Mentions {
    pub fn of(tokens: TokenStream) -> Self {
        let mut mentions = Self::default();
        mentions.add(tokens);
        mentions
    }

    pub fn count(&self, name: &str) -> usize {
        self.0.get(name).copied().unwrap_or(0)
    }

    fn add(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => self.add_name(ident.to_string()),
                TokenTree::Group(group) => self.add(group.stream()),
                TokenTree::Literal(literal) => self.add_captures(&literal.to_string()),
                TokenTree::Punct(_) => {}
            }
        }
    }

    fn add_name(&mut self, name: String) {
        *self.0.entry(name).or_default() += 1;
    }

    /// `"{name}"`, `"{name:?}"`, `"{:name$}"`.
    fn add_captures(&mut self, literal: &str) {
        for inside in literal.split('{').skip(1) {
            let inside = inside.split('}').next().unwrap_or(inside);
            let words = inside.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.filter(|word| !word.is_empty()).for_each(|word| self.add_name(word.to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn names_are_found_in_groups_and_in_format_strings() {
        let mentions = Mentions::of(quote!(f(n, "{m:?} {:w$} plain", { n })));
        assert_eq!(mentions.count("n"), 2);
        assert_eq!(mentions.count("m"), 1);
        assert_eq!(mentions.count("w"), 1);
        assert_eq!(mentions.count("plain"), 0);
    }
}
