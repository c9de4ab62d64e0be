//! `async` blocks and `async` closures of a task.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, ExprAsync, ExprClosure, Pat, ReturnType};

use super::body::Rewriter;
use super::endless;
use super::signature::{frame, frame_body};
use super::unawaited::Probe;
use crate::names::{Extent, hidden, labelled};
use crate::nursery::into_block;

/// An `async` block.
///
/// ```text
/// async move { …body… }
///
/// (match async move { 'frame: { …body, rewritten… } } { frame => unsafe { Block::new(frame) } })
/// ```
pub fn block(rewriter: &mut Rewriter<'_>, expr: &mut ExprAsync) -> Expr {
    let probe = Probe::of_tail(rewriter, &expr.block);
    let last = Extent::of(&expr.block.stmts.last());
    let endless = endless::is_block_endless(&expr.block);
    rewriter.block(&mut expr.block);
    if endless {
        endless::settle(&mut expr.block);
    }
    if let Some(probe) = probe {
        probe.put_to_tail(rewriter, &mut expr.block, last);
    }
    let (keyword, capture, stmts) = (&expr.async_token, &expr.capture, &expr.block.stmts);
    let body = labelled(&quote!(#(#stmts)*), expr.block.brace_token.span.close());
    let place = Extent::of(keyword);
    let body = quote_spanned!(Span::mixed_site().located_at(place.first)=> { #body });
    Expr::Verbatim(frame(&quote!(#keyword #capture #body), "Block", place, rewriter.names))
}

/// An `async` closure: calling it gives a `Call`.
///
/// ```text
/// async |a: A, (b, c)| { …body… }
///
/// |__0, __1| {
///     let arguments = Cell::new((__0, __1));
///     (match async {
///         let (__0, __1) = arguments.into_inner();
///         let a: A = __0;
///         let (b, c) = __1;
///         …body, rewritten…
///     } { frame => unsafe { Call::new(frame) } })
/// }
/// ```
///
/// The arguments move into the frame, while what the body takes from around the closure is captured
/// as it would be by any closure. That is what the cell is for: it is never `Copy`, so that taking it
/// apart moves it, also where the arguments alone would have been borrowed.
pub fn closure(rewriter: &mut Rewriter<'_>, expr: &mut ExprClosure) -> Expr {
    let span = Span::mixed_site();
    let keyword = expr.asyncness.take();
    let end = Extent::of(&expr.body).last;
    let mut body = into_block((*expr.body).clone());
    rewriter.binders.enter();
    for input in &expr.inputs {
        rewriter.binders.declare(input, None);
    }
    rewriter.block(&mut body);
    rewriter.binders.leave();

    let plain: Vec<_> = (0..expr.inputs.len()).map(|index| hidden(&format!("__{index}"))).collect();
    let mut bindings = TokenStream::new();
    for (input, plain) in expr.inputs.iter_mut().zip(&plain) {
        bindings.extend(argument_binding(input, plain));
    }
    let arguments = hidden("arguments");
    let (keep, take) = match plain.is_empty() {
        true => (None, None),
        false => (
            Some(quote_spanned!(span=> let #arguments = ::core::cell::Cell::new((#(#plain,)*));)),
            Some(quote_spanned!(span=> let (#(#plain,)*) = #arguments.into_inner();)),
        ),
    };
    let output = match std::mem::replace(&mut expr.output, ReturnType::Default) {
        ReturnType::Type(_, output) => Some(output),
        ReturnType::Default => None,
    };
    let stmts = &body.stmts;
    let body = frame_body(&quote!(#take #bindings), output.as_deref(), &quote!(#(#stmts)*), end);
    let capture = &expr.capture;
    let body = quote_spanned!(span=> { #body });
    let place = Extent::of(&keyword);
    let call = frame(&quote!(#keyword #capture #body), "Call", place, rewriter.names);
    *expr.body = Expr::Verbatim(quote_spanned!(span=> { #keep #call }));
    Expr::Closure(expr.clone())
}

/// What binds one parameter inside the frame.
///
/// A type goes there too, away from the closure: `|n: Nursery<'_>|` would be for every lifetime, which
/// no closure whose result has the lifetime can be.
fn argument_binding(input: &mut Pat, plain: &syn::Ident) -> TokenStream {
    let span = Span::mixed_site();
    let name: Pat = syn::parse_quote_spanned!(span=> #plain);
    let (pattern, colon) = match std::mem::replace(input, name) {
        Pat::Type(typed) => {
            let ty = typed.ty;
            (*typed.pat, Some(quote_spanned!(span=> : #ty)))
        }
        other => (other, None),
    };
    match (&pattern, &colon) {
        (Pat::Wild(_), None) => TokenStream::new(),
        // Not `let _ = …`: the argument lives until the frame ends.
        (Pat::Wild(_), Some(_)) => quote_spanned!(span=> let #plain #colon = #plain;),
        _ => quote_spanned!(span=> let #pattern #colon = #plain;),
    }
}
