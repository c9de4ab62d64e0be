//! The options in the parentheses of an attribute: `#[trio::task(boxed, allow(never_awaits))]`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{LitInt, LitStr, Path, Token};

use crate::levels::{self, List, did_you_mean};
use crate::report::Report;
use crate::rules;

/// Which attribute it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Task,
    Main,
    Test,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Main => "main",
            Self::Test => "test",
        }
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Task => &["boxed", "strict", "allow", "warn", "deny", "crate"],
            Self::Main => &["grace_seconds", "allow", "warn", "deny", "crate"],
            Self::Test => &["clock", "seed", "allow", "warn", "deny", "crate"],
        }
    }
}

/// What was asked for.
#[derive(Default)]
pub struct Options {
    pub boxed: bool,
    pub strict: bool,
    pub mock_clock: bool,
    pub seed: Option<LitInt>,
    pub grace_seconds: Option<LitInt>,
    pub lists: Vec<List>,
    pub crate_path: Option<Path>,
}

impl Options {
    /// Reads the options one by one; each mistake is reported and the rest still counts.
    pub fn parse(kind: Kind, tokens: TokenStream, report: &mut Report) -> Self {
        let mut options = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for option in split(tokens) {
            let Some(TokenTree::Ident(name)) = option.clone().into_iter().next() else {
                report.structure(
                    rules::MALFORMED_OPTION,
                    &option,
                    &[&option.to_string(), kind.options()[0]],
                );
                continue;
            };
            let text = name.to_string();
            let known = kind.options();
            if !known.contains(&text.as_str()) {
                let hint = did_you_mean(&text, known);
                report.structure(rules::UNKNOWN_OPTION, &name, &[&text, &hint, &known.join(", ")]);
                continue;
            }
            // `allow(a), allow(b)` is like `allow(a, b)`, as for rustc's own attributes.
            if levels::level(&name).is_none() && seen.contains(&text) {
                report.structure(rules::DUPLICATE_OPTION, &name, &[&text]);
                continue;
            }
            let read = |input: ParseStream<'_>| options.set(&text, input);
            if read.parse2(option.clone()).is_err() {
                report.structure(
                    rules::MALFORMED_OPTION,
                    &option,
                    &[&option.to_string(), form(&text)],
                );
            }
            seen.push(text);
        }
        options.lists.iter().for_each(|list| list.check(report));
        options
    }

    fn set(&mut self, name: &str, input: ParseStream<'_>) -> syn::Result<()> {
        let keyword = input.call(Ident::parse_any)?;
        if let Some(level) = levels::level(&keyword) {
            self.lists.push(List::parse_names(level, input)?);
            return Ok(());
        }
        match name {
            "boxed" => self.boxed = true,
            "strict" => self.strict = true,
            "crate" => {
                input.parse::<Token![=]>()?;
                let text: LitStr = input.parse()?;
                self.crate_path = Some(text.parse_with(Path::parse_mod_style)?);
            }
            "clock" => {
                input.parse::<Token![=]>()?;
                let clock: LitStr = input.parse()?;
                if clock.value() != "mock" {
                    return Err(syn::Error::new(clock.span(), "unknown clock"));
                }
                self.mock_clock = true;
            }
            "seed" => {
                input.parse::<Token![=]>()?;
                let seed: LitInt = input.parse()?;
                seed.base10_parse::<u64>()?;
                self.seed = Some(seed);
            }
            "grace_seconds" => {
                input.parse::<Token![=]>()?;
                let seconds: LitInt = input.parse()?;
                seconds.base10_parse::<u64>()?;
                self.grace_seconds = Some(seconds);
            }
            _ => unreachable!("the name was looked up before"),
        }
        Ok(())
    }
}

/// How the option is written.
fn form(name: &str) -> &'static str {
    match name {
        "boxed" => "boxed",
        "strict" => "strict",
        "allow" => "allow(rule_name)",
        "warn" => "warn(rule_name)",
        "deny" => "deny(rule_name)",
        "crate" => "crate = \"some::path\"",
        "clock" => "clock = \"mock\"",
        "seed" => "seed = 7",
        "grace_seconds" => "grace_seconds = 5",
        _ => unreachable!("only known options get here"),
    }
}

/// Splits at the commas.
fn split(tokens: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in tokens {
        match (&token, parts.last_mut()) {
            (TokenTree::Punct(punct), _) if punct.as_char() == ',' => {
                parts.push(TokenStream::new())
            }
            (_, Some(part)) => part.extend([token]),
            (_, None) => unreachable!("there is always a part"),
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn parse(kind: Kind, tokens: TokenStream) -> (Options, Vec<String>) {
        let mut report = Report::default();
        let options = Options::parse(kind, tokens, &mut report);
        (options, report.texts().into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn every_documented_option_is_read() {
        let (options, errors) =
            parse(Kind::Task, quote!(boxed, strict, allow(never_awaits), crate = "a::b",));
        assert!(errors.is_empty(), "{errors:?}");
        assert!(options.boxed && options.strict && options.crate_path.is_some());
        let (options, errors) = parse(Kind::Test, quote!(clock = "mock", seed = 7));
        assert!(errors.is_empty(), "{errors:?}");
        assert!(options.mock_clock && options.seed.is_some());
        let (options, errors) = parse(Kind::Main, quote!(grace_seconds = 5));
        assert!(errors.is_empty(), "{errors:?}");
        assert!(options.grace_seconds.is_some());
    }

    #[test]
    fn mistakes_are_reported_together_and_the_rest_counts() {
        let (options, errors) = parse(Kind::Test, quote!(clok = "mock", seed = x, clock = "mock"));
        assert_eq!(errors.len(), 2);
        assert_eq!(
            errors[0],
            "unknown option `clok`; did you mean `clock`?\n\
             help: expected one of: clock, seed, allow, warn, deny, crate\n\
             rule: unknown_option"
        );
        assert_eq!(
            errors[1],
            "malformed option `seed = x`\nhelp: write `seed = 7`\nrule: malformed_option"
        );
        assert!(options.mock_clock);
    }

    #[test]
    fn an_option_given_twice_is_an_error() {
        let (_, errors) = parse(Kind::Task, quote!(boxed, boxed));
        assert_eq!(
            errors,
            ["the option `boxed` is given twice\nhelp: remove one\nrule: duplicate_option"]
        );
    }
}
