//! Which names stand for a nursery: the closure parameter of `nursery!`, and whatever has a type that
//! ends in `Nursery`. Scopes are followed, so that a `let` of the same name hides it.

use syn::visit::{self, Visit};
use syn::{Expr, Pat, PatIdent, Type};

use crate::attributes::bare;

/// The names in scope, the innermost scope on top. A name that is not there is no binder.
#[derive(Default)]
pub struct Binders {
    scopes: Vec<Vec<(String, bool)>>,
}

impl Binders {
    /// Opens a scope. Must be followed by [`leave`](Self::leave).
    pub fn enter(&mut self) {
        self.scopes.push(Vec::new());
    }

    pub fn leave(&mut self) {
        self.scopes.pop();
    }

    /// The binder of a `nursery!`.
    pub fn declare_binder(&mut self, pattern: &Pat) {
        self.declare_all(pattern, true);
    }

    /// Any pattern: a parameter, a `let`, an arm, with its value if it has one.
    pub fn declare(&mut self, pattern: &Pat, value: Option<&Expr>) {
        let is_binder = match pattern {
            Pat::Type(typed) => is_nursery(&typed.ty),
            Pat::Ident(_) => value.is_some_and(|value| self.contain(value)),
            _ => false,
        };
        self.declare_all(pattern, is_binder);
    }

    /// Whether the expression is the name of a nursery.
    pub fn contain(&self, expr: &Expr) -> bool {
        let Expr::Path(path) = bare(expr) else {
            return false;
        };
        let Some(name) = path.path.get_ident() else {
            return false;
        };
        let found = self.scopes.iter().rev().flat_map(|s| s.iter().rev()).find(|(n, _)| name == n);
        matches!(found, Some((_, true)))
    }

    fn declare_all(&mut self, pattern: &Pat, is_binder: bool) {
        let mut names = Names(Vec::new());
        names.visit_pat(pattern);
        let Some(scope) = self.scopes.last_mut() else {
            return;
        };
        scope.extend(names.0.into_iter().map(|name| (name, is_binder)));
    }
}

/// Whether a type is `Nursery<'_>`, by any path, or a reference to one.
pub fn is_nursery(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Nursery"),
        Type::Reference(reference) => is_nursery(&reference.elem),
        Type::Paren(paren) => is_nursery(&paren.elem),
        Type::Group(group) => is_nursery(&group.elem),
        _ => false,
    }
}

/// The names that a pattern binds.
struct Names(Vec<String>);

impl Visit<'_> for Names {
    fn visit_pat_ident(&mut self, pattern: &PatIdent) {
        self.0.push(pattern.ident.to_string());
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_expr(&mut self, _: &Expr) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn a_let_hides_the_binder_until_its_scope_ends() {
        let mut binders = Binders::default();
        binders.enter();
        binders.declare_binder(&parse_quote!(n));
        assert!(binders.contain(&parse_quote!(n)));
        binders.enter();
        let Pat::Tuple(pattern) = parse_quote!((n, m)) else { unreachable!() };
        binders.declare(&Pat::Tuple(pattern), None);
        assert!(!binders.contain(&parse_quote!(n)));
        binders.leave();
        assert!(binders.contain(&parse_quote!((n))));
        assert!(!binders.contain(&parse_quote!(self.n)));
    }

    #[test]
    fn another_name_for_a_binder_is_one() {
        let mut binders = Binders::default();
        binders.enter();
        binders.declare_binder(&parse_quote!(n));
        binders.declare(&parse_quote!(m), Some(&parse_quote!(n)));
        assert!(binders.contain(&parse_quote!(m)));
    }

    #[test]
    fn nurseries_are_known_by_the_end_of_the_type() {
        for ty in [parse_quote!(Nursery<'_>), parse_quote!(&'a mut trio::Nursery<'s>)] {
            assert!(is_nursery(&ty));
        }
        assert!(!is_nursery(&parse_quote!(Vec<Nursery<'_>>)));
    }
}
