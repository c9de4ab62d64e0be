//! `.await`, with its site.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, ExprAwait};

use super::body::Rewriter;
use super::docs::Point;
use crate::names::{Extent, anchor, hidden};

/// The name of the static in an expansion. It stands where no user code is.
pub const SITE: &str = "__TRIO_SITE";

/// An await whose operand has been rewritten already; `text` is how the operand was
/// written, and `place` where.
///
/// ```text
/// operand.await
///
/// IntoFuture::into_future((match (operand,) {
///     operand => {
///         if false { break 'frame loop {} }
///         static SITE: Site = Site::awaiting(file!(), line!(), column!(), "operand", "function");
///         unsafe { Operand(operand.0).enter(&SITE) }
///     }
/// })).await
/// ```
///
/// The call around it is what `.await` would do. Here it gives the whole the span of what the user
/// wrote, from the operand to `.await`, so that a type error underlines just that; so has `operand.0`.
pub fn expand(rewriter: &mut Rewriter<'_>, expr: &ExprAwait, place: Extent, text: &str) -> Expr {
    const OPERAND: &str = "__trio_operand";
    let at = expr.await_token.span;
    let (base, dot, keyword) = (&expr.base, &expr.dot_token, &expr.await_token);
    let span = Span::mixed_site();
    let (operand, passed) = (place.binding(OPERAND), place.field(OPERAND));
    let site = site(rewriter, at, "awaiting", Some(text));
    let site_name = hidden(SITE);
    let private = rewriter.names.private();
    let anchor = anchor(at);
    // What cannot be awaited is reported at this name.
    let enter = Ident::new("enter", at);
    let entered = place.matched(
        &quote_spanned!(span=> (#base,)),
        &quote_spanned! {span=>
            #operand => {
                #anchor
                #site
                unsafe { #private::Operand(#passed).#enter(&#site_name) }
            }
        },
    );
    rewriter.points.push(Point { line: line_of(at), expression: text.to_owned() });
    let function = quote_spanned!(place.first=> ::core::future::IntoFuture::into_future);
    let future = quote_spanned!(place.last=> #function(#entered));
    if rewriter.in_arguments {
        // In one piece: a macro that takes tokens could keep the future and drop the `.await`.
        let span = span.located_at(place.first);
        return Expr::Verbatim(quote_spanned!(span=> (#future #dot #keyword)));
    }
    Expr::Verbatim(quote!(#future #dot #keyword))
}

/// `static SITE: Site = Site::kind(file!(), line!(), column!(), …);`, for the place `at`.
pub fn site(rewriter: &Rewriter<'_>, at: Span, kind: &str, text: Option<&str>) -> TokenStream {
    let span = Span::mixed_site();
    let private = rewriter.names.private();
    let (name, kind) = (hidden(SITE), hidden(kind));
    let function = &rewriter.function;
    let text = text.map(|text| quote!(#text,));
    // These give the place of their own tokens.
    let place = quote_spanned!(at=> ::core::file!(), ::core::line!(), ::core::column!());
    quote_spanned! {span=>
        static #name: #private::Site = #private::Site::#kind(#place, #text #function);
    }
}

/// The line of a token, when a compiler is there to ask.
fn line_of(span: Span) -> Option<usize> {
    proc_macro::is_available().then(|| span.unwrap().line())
}
