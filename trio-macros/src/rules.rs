//! The rules: the one table of everything that the macros say.
//!
//! Each rule has a name, under which it can be switched off, a severity, a message and a help line.
//! `{0}`, `{1}`, … in the texts stand for what is known at the place: a name, the corrected line.
//! What only the type checker can decide is here too. Its texts are generated into the user's function,
//! or stand on the traits of the runtime; a warning's text stands on a constant of `trio::lint`. That
//! they agree with the table, and that `docs/rules.md` does, is tested in `rules/agreement.rs`.

#[cfg(test)]
mod agreement;
mod table;

pub use table::*;

/// How hard a rule is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// The macro cannot do its work otherwise. Cannot be switched off.
    Structure,
    /// Held by the types alone, with a text of ours or of the compiler's. Cannot be switched off.
    Types,
    /// An error, unless allowed at its place.
    Error,
    /// A warning, which `deny(…)` makes an error.
    Warning,
    /// Silent, until `warn(…)` or `deny(…)` asks for it.
    OptIn,
}

/// What happens where a rule is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    Allow,
    Warn,
    Deny,
}

/// One rule of the table.
#[derive(Debug)]
pub struct Rule {
    pub name: &'static str,
    pub severity: Severity,
    pub message: &'static str,
    pub help: &'static str,
    /// Code that breaks it, for the documentation.
    #[cfg_attr(not(test), allow(dead_code))]
    pub bad: &'static str,
    /// The same, put right.
    #[cfg_attr(not(test), allow(dead_code))]
    pub good: &'static str,
}

impl Rule {
    /// Whether `allow(…)` may name it.
    pub fn can_be_allowed(&self) -> bool {
        !matches!(self.severity, Severity::Structure | Severity::Types)
    }

    /// What happens where nothing else is said.
    pub fn level(&self) -> Level {
        match self.severity {
            Severity::Structure | Severity::Types | Severity::Error => Level::Deny,
            Severity::Warning => Level::Warn,
            Severity::OptIn => Level::Allow,
        }
    }

    /// The message and the help line, filled in.
    pub fn texts(&self, fill: &[&str]) -> (String, String) {
        let complete = |text: &str| {
            fill.iter().enumerate().fold(text.to_owned(), |text, (index, value)| {
                text.replace(&format!("{{{index}}}"), value)
            })
        };
        (complete(self.message), complete(self.help))
    }
}

/// The rule of that name, if it can be switched off.
pub fn named(name: &str) -> Option<&'static Rule> {
    switchable().find(|rule| rule.name == name)
}

/// All rules that can be switched off.
pub fn switchable() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().copied().filter(|rule| rule.can_be_allowed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_in_snake_case() {
        let mut seen = HashSet::new();
        for rule in RULES {
            assert!(seen.insert(rule.name), "{} is there twice", rule.name);
            assert!(rule.name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{}", rule.name);
        }
    }

    #[test]
    fn texts_start_in_lower_case_and_end_without_a_full_stop() {
        for rule in RULES {
            for text in [rule.message, rule.help] {
                assert!(!text.ends_with('.') && !text.is_empty(), "{}", rule.name);
                assert!(!text.starts_with(char::is_uppercase), "{}", rule.name);
            }
            assert!(!rule.bad.is_empty() && !rule.good.is_empty(), "{}", rule.name);
        }
    }

    #[test]
    fn what_the_macro_cannot_do_without_cannot_be_allowed() {
        assert!(named("task_not_async").is_none());
        assert!(named("never_awaits").is_some());
    }
}
