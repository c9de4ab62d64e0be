//! Collects what was found, so that all of it is said at once.

use proc_macro2::{Ident, Punct, Spacing, Span, TokenStream};
use quote::{ToTokens, quote_spanned};

use crate::levels::Levels;
use crate::names::{Crate, Extent};
use crate::rules::{Level, Rule};

/// What was found so far.
#[derive(Default)]
pub struct Report {
    errors: Vec<Found>,
    warnings: Vec<(&'static Rule, Span)>,
}

struct Found {
    place: Extent,
    text: String,
}

impl Report {
    /// A rule is broken at `place`: what happens depends on what is said there.
    ///
    /// A warning is one of the constants of `trio::lint`, so that its text cannot be filled in.
    pub fn rule(
        &mut self,
        levels: &Levels,
        rule: &'static Rule,
        place: &impl ToTokens,
        fill: &[&str],
    ) {
        match levels.level(rule) {
            Level::Allow => {}
            Level::Warn => self.warnings.push((rule, Extent::of(place).first)),
            Level::Deny => {
                self.structure(rule, place, fill);
            }
        }
    }

    /// A rule is broken at `place`, whatever is allowed there.
    pub fn structure(&mut self, rule: &'static Rule, place: &impl ToTokens, fill: &[&str]) {
        let text = text(rule, fill);
        self.errors.push(Found { place: Extent::of(place), text });
    }

    /// What the parser found inside a macro, where the compiler has not looked.
    pub fn syntax(&mut self, error: &syn::Error) {
        let place = Extent { first: error.span(), last: error.span() };
        self.errors.push(Found { place, text: error.to_string() });
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.warnings.is_empty()
    }

    /// Whether there is one.
    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The number of errors.
    pub fn len(&self) -> usize {
        self.errors.len()
    }

    /// All that was found, as statements for the function's body.
    pub fn into_statements(mut self, names: &Crate) -> TokenStream {
        let warnings = std::mem::take(&mut self.warnings);
        let warnings = warnings.into_iter().map(|(rule, place)| warning(rule, place, names));
        warnings.chain([self.into_errors()]).collect()
    }

    /// The errors, as statements or items, for a function that is not expanded.
    pub fn into_errors(self) -> TokenStream {
        self.errors.into_iter().map(Found::into_statement).collect()
    }

    /// The names of the rules that were warned about.
    #[cfg(test)]
    pub fn warned(&self) -> Vec<&str> {
        self.warnings.iter().map(|(rule, _)| rule.name).collect()
    }

    #[cfg(test)]
    pub fn texts(&self) -> Vec<&str> {
        self.errors.iter().map(|found| found.text.as_str()).collect()
    }
}

impl Found {
    /// `::core::compile_error! { "…" }`, reaching from the first token to the last.
    fn into_statement(self) -> TokenStream {
        let Extent { first, last } = self.place;
        let text = self.text;
        let mut bang = Punct::new('!', Spacing::Alone);
        bang.set_span(first);
        let name = Ident::new("compile_error", first);
        let arguments = quote_spanned!(last=> { #text });
        quote_spanned!(first=> ::core::#name #bang #arguments)
    }
}

/// A warning: stable Rust has none of its own for macros, but that something is deprecated.
///
/// ```text
/// #[warn(deprecated)]
/// let () = ::trio::lint::busy_wait;
/// ```
fn warning(rule: &Rule, place: Span, names: &Crate) -> TokenStream {
    let root = names.root();
    let constant = Ident::new(rule.name, place);
    quote_spanned! {Span::mixed_site()=>
        #[warn(deprecated)]
        let () = #root::lint::#constant;
    }
}

/// What an error says, and the name under which `docs/rules.md` explains it.
fn text(rule: &Rule, fill: &[&str]) -> String {
    let (message, help) = rule.texts(fill);
    format!("{message}\nhelp: {help}\nrule: {}", rule.name)
}

/// An error outside of any function.
pub fn alone(rule: &'static Rule, fill: &[&str]) -> TokenStream {
    let text = text(rule, fill);
    quote_spanned!(Span::call_site()=> ::core::compile_error! { #text })
}
