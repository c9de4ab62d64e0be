//! Macros: those of the standard library, and the usual ones for logging and errors, are known by
//! name; any other may do anything.

use proc_macro2::{TokenStream, TokenTree};
use syn::Macro;

use super::Flow;
use super::frames::Body;
use crate::macro_arguments::{Arguments, is_combinator};
use crate::nursery::is_nursery;

/// What a macro does with its arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meaning {
    /// Evaluates the first so many.
    Evaluates(usize),
    /// Evaluates them, unless it is switched off.
    MayEvaluate,
    /// Evaluates them and panics.
    Panics,
    /// Evaluates them and returns an error.
    Fails,
    /// Panics unless the first holds.
    Asserts,
    /// Returns an error unless the first holds.
    Ensures,
    /// Evaluates the first two and may panic.
    Compares,
    /// May do any of these, or nothing at all.
    MayAssert,
    /// Anything.
    Unknown,
}

impl Meaning {
    fn of(mac: &Macro) -> Self {
        let Some(last) = mac.path.segments.last() else { return Self::Unknown };
        // `join!` and its like of others await, and those under a name of their own may be of others.
        if is_combinator(mac)
            && mac.path.segments.first().is_some_and(|first| first.ident == "trio")
        {
            return Self::Evaluates(usize::MAX);
        }
        match last.ident.to_string().as_str() {
            "print" | "println" | "eprint" | "eprintln" | "format" | "format_args" | "write"
            | "writeln" | "vec" | "dbg" | "pin" | "addr_of" | "addr_of_mut" => {
                Self::Evaluates(usize::MAX)
            }
            "matches" => Self::Evaluates(1),
            "stringify" | "concat" | "line" | "column" | "file" | "module_path" | "cfg" | "env"
            | "option_env" | "include_str" | "include_bytes" | "offset_of" | "thread_local"
            | "compile_error" => Self::Evaluates(0),
            "log" | "event" | "error" | "warn" | "info" | "debug" | "trace" => Self::MayEvaluate,
            "panic" | "unreachable" | "todo" | "unimplemented" => Self::Panics,
            "bail" => Self::Fails,
            "assert" => Self::Asserts,
            "ensure" => Self::Ensures,
            "assert_eq" | "assert_ne" => Self::Compares,
            "debug_assert" | "debug_assert_eq" | "debug_assert_ne" => Self::MayAssert,
            _ => Self::Unknown,
        }
    }
}

impl Flow<'_> {
    pub fn macro_call(&mut self, mac: &Macro) {
        if is_nursery(mac) {
            return self.nursery(mac);
        }
        match Meaning::of(mac) {
            Meaning::Evaluates(0) => {}
            Meaning::Evaluates(count) => self.arguments(mac, count),
            Meaning::MayEvaluate => self.perhaps(|flow| flow.arguments(mac, usize::MAX)),
            Meaning::Panics => {
                self.arguments(mac, usize::MAX);
                self.body.diverge();
            }
            Meaning::Fails => {
                self.arguments(mac, usize::MAX);
                self.body.end(true);
            }
            Meaning::Asserts => self.first_holds(mac, Body::diverge),
            Meaning::Ensures => self.first_holds(mac, |body| body.end(true)),
            Meaning::Compares => {
                self.arguments(mac, 2);
                self.body.may_diverge();
            }
            Meaning::MayAssert => {
                self.perhaps(|flow| flow.arguments(mac, usize::MAX));
                self.body.may_diverge();
            }
            Meaning::Unknown => {
                self.mentioned(&mac.tokens);
                self.body.unclear();
            }
        }
    }

    /// Follows the first arguments. What does not parse may be a pattern, or a syntax of the macro's own.
    fn arguments(&mut self, mac: &Macro, count: usize) {
        let arguments = Arguments::parse(mac);
        for argument in arguments.expressions.iter().take(count) {
            self.expr(&argument.expr);
        }
        self.mentioned(&arguments.rest);
        if may_lead_elsewhere(arguments.rest) {
            self.body.unclear();
        }
    }

    /// Follows the first argument, a condition. Where it does not hold, control goes elsewhere.
    fn first_holds(&mut self, mac: &Macro, go_elsewhere: impl FnOnce(&mut Body)) {
        let arguments = Arguments::parse(mac);
        match arguments.expressions.first() {
            Some(first) => {
                let otherwise = self.condition(&first.expr);
                let holds = std::mem::replace(&mut self.body.state, otherwise);
                go_elsewhere(&mut self.body);
                self.body.state = holds;
            }
            None => self.body.unclear(),
        }
    }
}

/// Whether there is anything in these tokens that is not just evaluated.
fn may_lead_elsewhere(tokens: TokenStream) -> bool {
    const KEYWORDS: [&str; 4] = ["await", "return", "break", "continue"];
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => KEYWORDS.iter().any(|keyword| ident == keyword),
        TokenTree::Punct(punct) => punct.as_char() == '?',
        TokenTree::Group(group) => may_lead_elsewhere(group.stream()),
        TokenTree::Literal(_) => false,
    })
}
