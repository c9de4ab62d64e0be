//! What happens where a rule is broken: `allow(rule)`, `warn(rule)` and `deny(rule)` on the function,
//! `#[trio(allow(rule))]` and its like at a place inside it.

use proc_macro2::Ident;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Token};

use crate::nearest::nearest;
use crate::report::Report;
use crate::rules::{self, Level, Rule, Severity};

/// A stack of what was said about rules: the function at the bottom, the innermost place on top.
#[derive(Default, Clone)]
pub struct Levels {
    places: Vec<Vec<(&'static Rule, Level)>>,
}

impl Levels {
    /// The levels of a function, from its options and attributes.
    pub fn new(lists: &[List], attributes: &[Attribute]) -> Self {
        let mut levels = Self { places: vec![lists.iter().flat_map(List::rules).collect()] };
        levels.enter(attributes);
        levels
    }

    /// Goes into a place with these attributes. Must be followed by [`leave`](Self::leave).
    pub fn enter(&mut self, attributes: &[Attribute]) {
        let lists = attributes.iter().filter(|a| is_ours(a)).filter_map(|a| lists(a).ok());
        self.places
            .push(lists.flatten().flat_map(|list| list.rules().collect::<Vec<_>>()).collect());
    }

    pub fn leave(&mut self) {
        self.places.pop();
    }

    /// What happens where the rule is broken; the innermost word counts.
    ///
    /// `warn` does not make an error less: the code that a broken rule of errors leaves behind cannot
    /// be relied on.
    pub fn level(&self, rule: &'static Rule) -> Level {
        let word = self.places.iter().rev().flatten().find(|(named, _)| named.name == rule.name);
        match word {
            None => rule.level(),
            Some((_, Level::Warn)) if rule.severity == Severity::Error => Level::Deny,
            Some((_, level)) => *level,
        }
    }

    /// Whether the rule is switched off here.
    pub fn allows(&self, rule: &'static Rule) -> bool {
        self.level(rule) == Level::Allow
    }
}

/// `allow(rule, …)`, `warn(rule, …)` or `deny(rule, …)`.
pub struct List {
    level: Level,
    names: Punctuated<Ident, Token![,]>,
}

impl List {
    /// The names after the keyword, from the parentheses on.
    pub fn parse_names(level: Level, input: ParseStream<'_>) -> syn::Result<Self> {
        let content;
        syn::parenthesized!(content in input);
        Ok(Self { level, names: Punctuated::parse_terminated(&content)? })
    }

    fn rules(&self) -> impl Iterator<Item = (&'static Rule, Level)> + '_ {
        let known = |name: &Ident| rules::named(&name.to_string());
        self.names.iter().filter_map(known).map(|rule| (rule, self.level))
    }

    /// Reports the names that no rule has.
    pub fn check(&self, report: &mut Report) {
        for name in &self.names {
            let text = name.to_string();
            if rules::RULES.iter().any(|rule| rule.name == text && !rule.can_be_allowed()) {
                report.structure(rules::FIXED_RULE, name, &[&text]);
            } else if rules::named(&text).is_none() {
                let known: Vec<_> = rules::switchable().map(|rule| rule.name).collect();
                let hint = did_you_mean(&text, &known);
                report.structure(rules::UNKNOWN_RULE, name, &[&text, &hint, &known.join(", ")]);
            }
        }
    }
}

impl Parse for List {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let keyword: Ident = input.parse()?;
        match level(&keyword) {
            Some(level) => Self::parse_names(level, input),
            None => Err(syn::Error::new(keyword.span(), "expected `allow`, `warn` or `deny`")),
        }
    }
}

/// The level of that name.
pub fn level(keyword: &Ident) -> Option<Level> {
    match keyword.to_string().as_str() {
        "allow" => Some(Level::Allow),
        "warn" => Some(Level::Warn),
        "deny" => Some(Level::Deny),
        _ => None,
    }
}

/// `; did you mean `x`?`, if something is near.
pub fn did_you_mean(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    }
}

/// Whether this is `#[trio(…)]`.
pub fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("trio")
}

fn lists(attribute: &Attribute) -> syn::Result<Vec<List>> {
    let lists = attribute.parse_args_with(Punctuated::<List, Token![,]>::parse_terminated)?;
    Ok(lists.into_iter().collect())
}

/// Reports what is wrong with the `#[trio(…)]` among these attributes.
pub fn check(attributes: &[Attribute], report: &mut Report) {
    for attribute in attributes.iter().filter(|a| is_ours(a)) {
        match lists(attribute) {
            Ok(lists) => lists.iter().for_each(|list| list.check(report)),
            Err(_) => report.structure(
                rules::MALFORMED_OPTION,
                attribute,
                &["trio", "#[trio(allow(rule_name))]"],
            ),
        }
    }
}

/// Takes `#[trio(…)]` away: the compiler does not know it.
pub fn strip(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| !is_ours(attribute));
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn the_innermost_word_counts() {
        let function: List = parse_quote!(allow(never_awaits));
        let mut levels = Levels::new(&[function], &[]);
        assert!(levels.allows(rules::NEVER_AWAITS));
        levels.enter(&[parse_quote!(#[trio(deny(never_awaits))])]);
        assert!(!levels.allows(rules::NEVER_AWAITS));
        levels.leave();
        assert!(levels.allows(rules::NEVER_AWAITS));
        assert!(!levels.allows(rules::SPAWN_CALLED));
    }

    #[test]
    fn an_unknown_rule_is_reported_with_the_nearest_name() {
        let mut report = Report::default();
        check(&[parse_quote!(#[trio(allow(endless_lop_no_checkpoint))])], &mut report);
        let texts = report.texts();
        assert!(texts[0].starts_with(
            "unknown rule `endless_lop_no_checkpoint`; did you mean `endless_loop_no_checkpoint`?"
        ));
    }
}
