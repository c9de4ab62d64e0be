//! A function and its arguments, handed over instead of called: the thunk convention.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{Expr, ExprCall, ExprMethodCall};

use crate::attributes::bare;
use crate::names::{Extent, hidden};

/// The variable that holds the function and its arguments.
const PARTS: &str = "__trio_thunk";

/// A function and its arguments: evaluated now, put together by the callee.
pub enum Thunk {
    /// The function comes first.
    Function(Vec<Part>),
    /// A closure as it was written, and its arguments. It is checked after them, since it may need
    /// their types: `n.spawn(|s| s.run(), server)`.
    Closure(Expr, Vec<Part>),
}

/// One of the expressions, and the variable that will hold it.
pub struct Part {
    expr: Expr,
    place: Extent,
    name: String,
}

impl Part {
    fn new((index, expr): (usize, Expr)) -> Self {
        Self { place: Extent::of(&expr), expr, name: format!("__trio_{index}") }
    }

    fn binding(&self) -> Ident {
        hidden(&self.name)
    }

    /// `variable.0`, reported as the expression. It is not made of the user's tokens, unlike
    /// [`Extent::field`]: of a borrow that is too short, the compiler would say that the variable is
    /// what was declared.
    fn value(&self) -> TokenStream {
        let span = Span::mixed_site();
        let (first, last) = (span.located_at(self.place.first), span.located_at(self.place.last));
        let variable = Ident::new(&self.name, first);
        let mut index = Literal::usize_unsuffixed(0);
        index.set_span(last);
        quote_spanned!(last=> #variable.#index)
    }
}

impl Thunk {
    /// From the function and its arguments.
    pub fn new(parts: impl IntoIterator<Item = Expr>) -> Self {
        let mut parts: Vec<Part> = parts.into_iter().enumerate().map(Part::new).collect();
        match bare(&parts[0].expr) {
            Expr::Closure(_) => Self::Closure(parts.remove(0).expr, parts),
            _ => Self::Function(parts),
        }
    }

    /// A call that takes the thunk: `expr`, whose last argument is [`tokens`](Self::tokens).
    ///
    /// ```text
    /// (match ((function,), (a,), (b,)) { thunk => expr })
    /// ```
    pub fn around(&self, place: Extent, expr: &impl ToTokens) -> Expr {
        let (Self::Function(parts) | Self::Closure(_, parts)) = self;
        let parts = parts.iter().map(|part| &part.expr);
        let span = Span::mixed_site();
        let evaluated = quote_spanned!(span=> (#((#parts,),)*));
        let pattern = hidden(PARTS);
        Expr::Verbatim(place.matched(&evaluated, &quote_spanned!(span=> #pattern => #expr)))
    }

    /// What is handed over: a closure with these parameters, in front of the arguments.
    pub fn tokens(&self, parameters: &[Ident]) -> TokenStream {
        match self {
            Self::Function(parts) => call_function(parts, parameters),
            Self::Closure(closure, parts) => call_closure(closure, parts, parameters),
        }
    }
}

/// Calls the function.
///
/// ```text
/// move |status| { let (mut f, a, b) = thunk; (f.0)(status, a.0, b.0) }
/// ```
///
/// It is a real call, so that the arguments are coerced, and a wrong one is reported at its place. They
/// are moved first: a mutable reference would only be borrowed by the call.
fn call_function(parts: &[Part], parameters: &[Ident]) -> TokenStream {
    let span = Span::mixed_site();
    let [function, arguments @ ..] = parts else { return TokenStream::new() };
    let first = span.located_at(function.place.first);
    let last = span.located_at(parts[parts.len() - 1].place.last);
    let whole = hidden(PARTS);
    let (function, called) = (function.binding(), function.value());
    let variables = arguments.iter().map(Part::binding);
    let values = arguments.iter().map(Part::value);
    let called = quote_spanned!(first=> (#called));
    let call = quote_spanned!(last=> #called(#(#parameters,)* #(#values),*));
    let body = quote_spanned! {span=>
        #[allow(unused_mut)]
        let (mut #function, #(#variables,)*) = #whole;
        #call
    };
    // What is wrong with the whole is reported from the function to its last argument.
    let head = quote_spanned!(first=> move |#(#parameters),*|);
    quote_spanned!(last=> #head { #body })
}

/// Calls the closure, through a function of this place that ties its parameters to the arguments.
///
/// ```text
/// {
///     fn apply<F, S, A, R>(function: F, a: A) -> impl FnOnce(S) -> R where F: FnOnce(S, A) -> R {
///         move |status| function(status, a)
///     }
///     let (a,) = thunk;
///     apply(closure, a.0)
/// }
/// ```
fn call_closure(closure: &Expr, parts: &[Part], parameters: &[Ident]) -> TokenStream {
    let span = Span::mixed_site();
    let (apply, whole) = (hidden("__trio_apply"), hidden(PARTS));
    let variables = parts.iter().map(Part::binding);
    let values = parts.iter().map(Part::value);
    let names: Vec<_> = parts.iter().map(|part| hidden(&part.name)).collect();
    let types: Vec<_> =
        (0..parts.len()).map(|index| format_ident!("A{index}", span = span)).collect();
    let given: Vec<_> = parameters.iter().map(|_| Ident::new("S", span)).collect();
    quote_spanned! {span=>
        {
            fn #apply<F, #(#given,)* #(#types,)* R>(
                function: F,
                #(#names: #types),*
            ) -> impl ::core::ops::FnOnce(#(#given),*) -> R
            where
                F: ::core::ops::FnOnce(#(#given,)* #(#types),*) -> R,
            {
                move |#(#parameters),*| function(#(#parameters,)* #(#names),*)
            }
            let (#(#variables,)*) = #whole;
            #apply(#closure, #(#values),*)
        }
    }
}

/// Functions of the runtime that take a thunk, by names that nothing else has.
const FUNCTIONS: [&str; 4] =
    ["run_in_worker_thread", "run_in_trio_thread", "await_in_trio_thread", "run_in_worker_process"];

/// Whether this calls one of those whose function is not async.
pub fn takes_function_of_a_thread(call: &ExprCall) -> bool {
    let Expr::Path(path) = bare(&call.func) else { return false };
    let name = path.path.segments.last().map(|segment| segment.ident.to_string());
    name.is_some_and(|name| name == "run_in_worker_thread" || name == "run_in_trio_thread")
}

/// A call of a function of the runtime that takes a thunk, given a function and arguments.
///
/// ```text
/// run_in_worker_thread(f, a)
///
/// (match ((f,), (a,)) { thunk => run_in_worker_thread(move || { …f(a)… }) })
/// ```
pub fn call(call: &mut ExprCall, place: Extent) -> Option<Expr> {
    let Expr::Path(path) = bare(&call.func) else { return None };
    let mut names = path.path.segments.iter().rev().map(|segment| segment.ident.to_string());
    let ours = match (names.next()?.as_str(), names.next().as_deref()) {
        ("run", Some("trio")) => true,
        (name, _) => FUNCTIONS.contains(&name),
    };
    if !ours || call.args.len() < 2 {
        return None;
    }
    let thunk = Thunk::new(std::mem::take(&mut call.args));
    call.args.push(Expr::Verbatim(thunk.tokens(&[])));
    Some(thunk.around(place, call))
}

/// `token.call_soon(f, a)`, likewise.
pub fn method(call: &mut ExprMethodCall, place: Extent) -> Option<Expr> {
    if call.method != "call_soon" || call.args.len() < 2 {
        return None;
    }
    let thunk = Thunk::new(std::mem::take(&mut call.args));
    call.args.push(Expr::Verbatim(thunk.tokens(&[])));
    Some(thunk.around(place, call))
}
