//! What the parameters and the inner functions of a task function say about it.

use quote::ToTokens;
use syn::{Attribute, Block, FnArg, ImplItem, Item, Pat, Signature, Type};

use super::awaits;
use crate::item::Function;
use crate::levels::{self, Levels};
use crate::mentions::Mentions;
use crate::report::Report;
use crate::rules;

/// Looks at each parameter.
pub fn check(function: &Function, block: &Block, levels: &Levels, report: &mut Report) {
    let mut levels = levels.clone();
    for input in &function.signature.inputs {
        let FnArg::Typed(argument) = input else {
            continue;
        };
        levels::check(&argument.attrs, report);
        levels.enter(&argument.attrs);
        if let Pat::Ident(name) = &*argument.pat {
            // The form of a trait's method is not for its implementations to choose.
            if name.ident == "timeout" && !awaits::may_belong_to_trait(function) {
                report.rule(&levels, rules::TIMEOUT_PARAMETER, &name.ident, &[]);
            }
            let text = name.ident.to_string();
            let forgotten = is_status(&argument.ty)
                && !text.starts_with('_')
                && !awaits::is_stub(block)
                && Mentions::of(block.to_token_stream()).count(&text) == 0;
            if forgotten {
                report.rule(&levels, rules::NEVER_STARTED, &name.ident, &[&text]);
            }
        }
        levels.leave();
    }
}

/// `TaskStatus<V>`, by any path.
fn is_status(ty: &Type) -> bool {
    let Type::Path(path) = ty else {
        return false;
    };
    path.path.segments.last().is_some_and(|last| last.ident == "TaskStatus")
}

/// Reports async functions inside a task function that are not marked.
pub fn inner_functions(item: &Item, levels: &mut Levels, report: &mut Report) {
    let mut look = |levels: &Levels, signature: &Signature, attributes: &[Attribute]| {
        if signature.asyncness.is_some() && !is_marked(attributes) {
            report.rule(levels, rules::UNMARKED_INNER_ASYNC, &signature.ident, &[]);
        }
    };
    match item {
        Item::Fn(function) => look(levels, &function.sig, &function.attrs),
        Item::Impl(block) if block.trait_.is_none() => {
            for item in &block.items {
                if let ImplItem::Fn(method) = item {
                    levels.enter(&method.attrs);
                    look(levels, &method.sig, &method.attrs);
                    levels.leave();
                }
            }
        }
        _ => {}
    }
}

/// `#[trio::task]`, under any path, and under a condition.
fn is_marked(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let mentions = Mentions::of(attribute.meta.to_token_stream());
        ["task", "main", "test"].iter().any(|name| mentions.count(name) > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Body;
    use proc_macro2::TokenStream;
    use quote::quote;

    fn found(tokens: TokenStream) -> (Vec<String>, usize) {
        let crate::item::Item::Function(function) = crate::item::Item::parse(tokens) else {
            panic!()
        };
        let Body::Parsed(block) = &function.body else { panic!() };
        let mut report = Report::default();
        check(&function, block, &Levels::default(), &mut report);
        (report.warned().into_iter().map(str::to_owned).collect(), report.len())
    }

    #[test]
    fn a_timeout_is_found_by_its_name() {
        let timeout = found(quote!(
            async fn get(url: &str, timeout: Duration) {
                f().await
            }
        ));
        assert_eq!(timeout.0, ["timeout_parameter"]);
        for tokens in [
            quote!(
                async fn get(url: &str, timeouts: u32) {
                    f().await
                }
            ),
            quote!(
                async fn get(&self, timeout: Duration) {
                    f().await
                }
            ),
            quote!(
                async fn get(#[trio(allow(timeout_parameter))] timeout: Duration) {
                    f().await
                }
            ),
        ] {
            assert!(found(tokens).0.is_empty());
        }
    }

    #[test]
    fn a_status_must_be_mentioned() {
        assert_eq!(
            found(quote!(
                async fn s(status: TaskStatus<u16>) {
                    f().await
                }
            ))
            .1,
            1
        );
        for tokens in [
            quote!(
                async fn s(status: TaskStatus<u16>) {
                    if x {
                        status.started(1)
                    }
                }
            ),
            quote!(
                async fn s(status: TaskStatus<u16>) {
                    inner(status).await
                }
            ),
            quote!(
                async fn s(status: TaskStatus<u16>) {
                    todo!()
                }
            ),
            quote!(
                async fn s(_status: TaskStatus<u16>) {
                    f().await
                }
            ),
        ] {
            assert_eq!(found(tokens).1, 0);
        }
    }
}
