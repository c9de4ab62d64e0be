//! Where the attributes may stand, and on what signature.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Path};

use crate::item::{Body, Function};
use crate::options::Kind;
use crate::report::Report;
use crate::rules;

/// Checks the signature, and takes out what has been refused, so that the rest can still be expanded.
///
/// Gives whether the function is one that can be called with no more than what the macro knows, which
/// matters for `main` and tests.
pub fn signature(kind: Kind, function: &mut Function, report: &mut Report) -> bool {
    duplicate_attributes(kind, &mut function.attributes, report);
    let signature = &mut function.signature;
    if let Some(keyword) = signature.constness.take() {
        report.structure(rules::TASK_CONST, &keyword, &[]);
    }
    if let Some(abi) = signature.abi.take() {
        report.structure(rules::TASK_EXTERN, &abi, &[]);
    }
    if let Some(variadic) = signature.variadic.take() {
        report.structure(rules::TASK_VARIADIC, &variadic, &[]);
    }
    if kind == Kind::Task {
        return true;
    }
    let name = if kind == Kind::Main { "main" } else { "test" };
    let before = report.len();
    if !signature.inputs.is_empty() {
        let help = match signature.receiver() {
            Some(_) => "make it a free function",
            None => "read them from `std::env::args()`, or set them up inside",
        };
        report.structure(rules::MAIN_WITH_ARGUMENTS, &signature.inputs, &[name, help]);
    }
    if !signature.generics.params.is_empty() {
        report.structure(rules::MAIN_GENERIC, &signature.generics.params, &[name]);
    }
    if let Body::Missing(semicolon) = &function.body {
        report.structure(rules::TASK_WITHOUT_BODY, semicolon, &[kind.name()]);
    }
    report.len() == before
}

/// Reports a function that is not `async`.
pub fn not_async(kind: Kind, function: &Function, report: &mut Report) {
    let signature = &function.signature;
    let name = signature.ident.to_string();
    report.structure(rules::TASK_NOT_ASYNC, &signature.fn_token, &[kind.name(), &name]);
}

/// Reports another attribute that would make the function a task, `main` or a test once more.
fn duplicate_attributes(kind: Kind, attributes: &mut Vec<Attribute>, report: &mut Report) {
    attributes.retain(|attribute| {
        let path = attribute.path();
        let duplicate = is_of_a_runtime(path) || is_test(path);
        if duplicate {
            let text = text(path);
            report.structure(rules::DUPLICATE_ATTRIBUTE, path, &[&text, kind.name()]);
        }
        !duplicate
    });
}

/// `trio::task`, `tokio::main` and the like.
fn is_of_a_runtime(path: &Path) -> bool {
    let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    matches!(
        names.as_slice(),
        ["trio", "task" | "main" | "test"]
            | ["tokio" | "async_std" | "smol" | "actix_rt", "main" | "test"]
    )
}

/// `test`, also by its full path.
fn is_test(path: &Path) -> bool {
    let last_is_test = path.segments.last().is_some_and(|last| last.ident == "test");
    last_is_test
        && (path.segments.len() == 1
            || path
                .segments
                .first()
                .is_some_and(|first| first.ident == "core" || first.ident == "std"))
}

fn text(path: &impl ToTokens) -> String {
    let tokens: TokenStream = path.to_token_stream();
    tokens.to_string().replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Item;
    use quote::quote;

    fn check(kind: Kind, tokens: TokenStream) -> Vec<String> {
        let Item::Function(mut function) = Item::parse(tokens) else { panic!() };
        let mut report = Report::default();
        signature(kind, &mut function, &mut report);
        report.texts().iter().map(|text| text.lines().next().unwrap_or("").to_owned()).collect()
    }

    #[test]
    fn qualifiers_that_do_not_fit_are_refused_together() {
        let texts = check(
            Kind::Task,
            quote!(
                const async extern "C" fn f() {}
            ),
        );
        assert_eq!(
            texts,
            ["a task function cannot be `const`", "a task function cannot be `extern`"]
        );
    }

    #[test]
    fn main_takes_nothing() {
        let texts = check(
            Kind::Main,
            quote!(
                async fn main<T>(x: u32) {}
            ),
        );
        assert_eq!(
            texts,
            ["the main function takes no arguments", "the main function cannot be generic"]
        );
        assert!(
            check(
                Kind::Main,
                quote!(
                    async fn main() -> Result<(), E> {}
                )
            )
            .is_empty()
        );
    }

    #[test]
    fn a_second_runtime_or_test_attribute_is_refused() {
        assert_eq!(
            check(
                Kind::Test,
                quote!(
                    #[test]
                    async fn t() {}
                )
            )
            .len(),
            1
        );
        assert_eq!(
            check(
                Kind::Main,
                quote!(
                    #[tokio::main]
                    async fn main() {}
                )
            )
            .len(),
            1
        );
        assert_eq!(
            check(
                Kind::Test,
                quote!(
                    #[ignore]
                    #[should_panic]
                    async fn t() {}
                )
            )
            .len(),
            0
        );
    }
}
