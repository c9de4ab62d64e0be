//! Nurseries: going in is nothing, coming out waits for the tasks that were spawned.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Expr, ExprMethodCall, Macro, Pat};

use super::Flow;
use super::expressions::Way;
use super::frames::Kind;
use super::lattice::Level;
use crate::attributes::bare;
use crate::nursery::Nursery;

impl Flow<'_> {
    /// `?` in the body of a nursery only ends the nursery.
    pub fn nursery(&mut self, mac: &Macro) {
        // What is wrong with the form is said when it is expanded.
        let Ok(nursery) = Nursery::parse(mac) else {
            self.body.unclear();
            return;
        };
        let binder = binder_name(&nursery.binder);
        self.body.enter(None, Kind::Nursery { binder, waits: Level::Open });
        self.block(&nursery.body, Way::On);
        if let Some(Kind::Nursery { waits, .. }) = self.body.leave().map(|frame| frame.kind) {
            self.body.pass(waits);
        }
    }

    /// A method call, whose receiver and arguments have been followed: it may spawn.
    pub fn may_spawn(&mut self, call: &ExprMethodCall) {
        let Some(receiver) = name(&call.receiver) else { return };
        let waits = match call.method.to_string().as_str() {
            "spawn" | "spawn_named" | "spawn_monitored" | "spawn_service" | "start"
            | "start_service" => Level::Point,
            "cancel" | "cancel_scope" | "statistics" | "child_tasks" | "parent_task" => return,
            _ => Level::Maybe,
        };
        self.spawns(waits, |binder| receiver == binder);
    }

    /// A variable is passed on: if it is a nursery, whoever gets it may spawn.
    pub fn passed_on(&mut self, expr: &Expr) {
        if let Some(name) = name(expr) {
            self.spawns(Level::Maybe, |binder| name == binder);
        }
    }

    /// Code that is not followed: it may spawn in the nurseries that it mentions.
    pub fn mentioned(&mut self, tokens: &impl ToTokens) {
        if self.body.nurseries().next().is_some() {
            let tokens = tokens.to_token_stream();
            self.spawns(Level::Maybe, |binder| mentions(&tokens, binder));
        }
    }

    fn spawns(&mut self, level: Level, is_meant: impl Fn(&str) -> bool) {
        if self.body.state.is_live() {
            for (binder, waits) in self.body.nurseries() {
                if is_meant(binder) {
                    *waits = (*waits).min(level);
                }
            }
        }
    }
}

/// The name of a plain variable.
pub fn name(expr: &Expr) -> Option<String> {
    match bare(expr) {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => None,
    }
}

fn binder_name(binder: &Pat) -> String {
    match binder {
        Pat::Type(typed) => binder_name(&typed.pat),
        Pat::Ident(name) => name.ident.to_string(),
        _ => String::new(),
    }
}

fn mentions(tokens: &TokenStream, name: &str) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => mentions(&group.stream(), name),
        _ => false,
    })
}
