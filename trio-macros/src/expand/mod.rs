//! Writes the function that is compiled in place of the user's.
//!
//! `signature.rs` makes the new signature and moves the arguments into the frame; `body.rs` walks
//! through the body and hands each thing it knows to the file that rewrites it. Every transform has
//! its input and output above it.
//!
//! Three things hold for all of it. User code is never inside an `unsafe` block of ours: it is bound
//! first and passed then. Nothing generated is visible to user code, or changes how long its
//! temporaries live. And a variable that is passed on is not borrowed before: a borrowed variable
//! keeps its place in the frame for good, so that nested frames would double in size.

mod already_called;
mod awaiting;
mod body;
mod docs;
mod endless;
mod frames;
mod nursery;
mod signature;
mod spawn;
mod thunks;
mod unawaited;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::token;

use crate::item::{Body, Function};
use crate::levels::{self, Levels};
use crate::mentions::Mentions;
use crate::names::Crate;
use crate::options::Options;
use crate::report::Report;
use crate::rules;

/// A function as a task function.
///
/// ```text
/// /// Docs.
/// pub async fn f(a: &A, (b, c): (B, C)) -> T { …body… }
///
/// #[deny(unused_must_use, …)]
/// /// Docs, and the cancellation points.
/// pub fn f(a: &A, __1: (B, C)) -> Call<impl Future<Output = T>> {
///     use NotAwaitable as _;
///     let frame = async move {
///         let a = a;
///         let __1 = __1;
///         let (b, c) = __1;
///         'frame: { …body, rewritten… }
///     };
///     unsafe { Call::new(frame) }
/// }
/// ```
pub fn function(
    mut function: Function,
    options: &Options,
    levels: Levels,
    names: &Crate,
    mut report: Report,
) -> TokenStream {
    levels::strip(&mut function.attributes);
    let lints = lints(&levels);
    // The braces are the user's: the compiler would take the function for ours otherwise, and not say
    // that it is never used.
    let braces = match &function.body {
        Body::Parsed(block) => block.brace_token,
        Body::Opaque(braces, _) => *braces,
        Body::Missing(_) => token::Brace(Span::mixed_site()),
    };
    let (body, points) = match &mut function.body {
        Body::Missing(_) => (None, Vec::new()),
        Body::Opaque(_, tokens) => (Some(std::mem::take(tokens)), Vec::new()),
        Body::Parsed(block) => {
            let mut rewriter =
                body::Rewriter::new(&function.signature.ident, block, names, levels, &mut report);
            rewriter.function(&function.signature.inputs, block);
            let points = rewriter.into_points();
            let stmts = &block.stmts;
            (Some(quote!(#(#stmts)*)), points)
        }
    };
    docs::append(&mut function.attributes, &points);
    let lints = body.is_some().then_some(lints);
    let mentions = Mentions::of(body.clone().unwrap_or_default());
    let parts = signature::Parts::new(&mut function, &mentions, names);
    let signature = &parts.signature;
    let (attributes, visibility) = (&function.attributes, &function.visibility);
    let defaultness = &function.defaultness;
    let body = match (&function.body, body) {
        (Body::Missing(semicolon), _) => {
            let errors = report.into_errors();
            quote!(#semicolon #errors)
        }
        (_, Some(body)) => {
            let found = report.into_statements(names);
            let frame = parts.frame(&body, braces.span.close(), options.boxed, names);
            let private = names.private();
            let traits = quote_spanned! {Span::mixed_site()=>
                #[allow(unused_imports)]
                use #private::NotAwaitable as _;
            };
            braced(braces, &quote!(#traits #found #frame))
        }
        (_, None) => TokenStream::new(),
    };
    quote! {
        #lints
        #(#attributes)*
        #visibility #defaultness #signature #body
    }
}

/// The lints of the compiler and of clippy that are rules here, as far as the function has not switched
/// them off.
fn lints(levels: &Levels) -> TokenStream {
    let lints = [
        (rules::UNAWAITED_STATEMENT, quote!(unused_must_use)),
        (rules::STD_LOCK_ACROSS_AWAIT, quote!(clippy::await_holding_lock)),
        (rules::REFCELL_ACROSS_AWAIT, quote!(clippy::await_holding_refcell_ref)),
    ];
    let lints = lints.into_iter().filter(|(rule, _)| !levels.allows(rule)).map(|(_, lint)| lint);
    quote!(#[deny(#(#lints),*)])
}

/// A function as it is, with the errors in its body.
pub fn unchanged(function: &Function, report: Report) -> TokenStream {
    let errors = report.into_errors();
    let Function { attributes, visibility, defaultness, signature, body } = function;
    let body = match body {
        Body::Missing(semicolon) => quote!(#semicolon #errors),
        Body::Opaque(braces, tokens) => braced(*braces, &quote!(#errors #tokens)),
        Body::Parsed(block) => {
            let stmts = &block.stmts;
            braced(block.brace_token, &quote!(#errors #(#stmts)*))
        }
    };
    let signature = signature.to_token_stream();
    quote!(#(#attributes)* #visibility #defaultness #signature #body)
}

fn braced(braces: token::Brace, inside: &TokenStream) -> TokenStream {
    let mut tokens = TokenStream::new();
    braces.surround(&mut tokens, |tokens| tokens.extend(inside.clone()));
    tokens
}
