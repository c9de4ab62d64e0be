//! What a call is called: the names of its path, as far as they are written down.
//!
//! No name is resolved, so whatever is decided by these is no more than a warning.

use syn::{Expr, ExprPath, Ident};

use crate::attributes::bare;

/// The names of the function that is called: `std::fs::read(p)` has `["std", "fs", "read"]`.
pub fn of(function: &Expr) -> Vec<String> {
    let Expr::Path(path) = bare(function) else {
        return Vec::new();
    };
    path.path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

/// The last of the names, for its place.
pub fn last(function: &Expr) -> Option<&Ident> {
    match bare(function) {
        Expr::Path(ExprPath { path, .. }) => path.segments.last().map(|last| &last.ident),
        _ => None,
    }
}

/// Whether the names end in these.
pub fn ends_in(names: &[String], suffix: &[&str]) -> bool {
    names.len() >= suffix.len()
        && names[names.len() - suffix.len()..].iter().zip(suffix).all(|(name, end)| name == end)
}

/// Whether the path begins in a crate whose functions of these names are async.
pub fn is_of_async_crate(names: &[String]) -> bool {
    const CRATES: [&str; 8] =
        ["trio", "tokio", "async_std", "smol", "async_fs", "async_process", "async_io", "compio"];
    names.first().is_some_and(|first| CRATES.contains(&first.as_str()))
}

/// The call that a chain of methods begins with: `Command::new("ls")` in
/// `Command::new("ls").arg(".").spawn()?.wait()`.
pub fn root(mut expr: &Expr) -> Option<&syn::ExprCall> {
    loop {
        expr = match bare(expr) {
            Expr::MethodCall(call) => &call.receiver,
            Expr::Try(tried) => &tried.expr,
            Expr::Reference(reference) => &reference.expr,
            Expr::Call(call) => return Some(call),
            _ => return None,
        };
    }
}
