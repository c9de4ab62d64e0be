//! The section "Cancellation points" in a function's documentation.

use proc_macro2::Span;
use syn::{Attribute, parse_quote_spanned};

/// One `.await`.
pub struct Point {
    /// Not known outside of a compiler.
    pub line: Option<usize>,
    pub expression: String,
}

/// Appends the section, if there is anything to list.
///
/// A function without documentation gets it under rustdoc alone: for the compiler it stays
/// undocumented, and `missing_docs` goes on saying so.
pub fn append(attributes: &mut Vec<Attribute>, points: &[Point]) {
    if points.is_empty() {
        return;
    }
    let mut text = String::from("\n# Cancellation points\n\n");
    for Point { line, expression } in points {
        let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let fence = if expression.contains('`') { "``" } else { "`" };
        text.push_str(&format!("- {line}{fence}{expression}{fence}\n"));
    }
    let span = Span::mixed_site();
    let documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
    attributes.push(match documented {
        true => parse_quote_spanned!(span=> #[doc = #text]),
        false => parse_quote_spanned!(span=> #[cfg_attr(doc, doc = #text)]),
    });
}
