//! A function and its arguments, handed over instead of called: the thunk convention.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote_spanned};
use syn::{Expr, ExprCall, ExprMethodCall};

use crate::attributes::bare;
use crate::names::{Crate, Extent, hidden};

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
    /// The variable resolves like the user's tokens, so that an expression made of it counts as the
    /// user's when it is reported.
    is_users: bool,
}

impl Part {
    fn new((index, expr): (usize, Expr)) -> Self {
        // Of a borrow that is too short, the compiler would say that the variable is what was declared.
        let is_users = !matches!(bare(&expr), Expr::Reference(_));
        Self { place: Extent::of(&expr), expr, name: format!("__trio_{index}"), is_users }
    }

    fn binding(&self) -> Ident {
        if self.is_users { self.place.binding(&self.name) } else { hidden(&self.name) }
    }

    /// `variable.0`, reported as the expression.
    fn value(&self) -> TokenStream {
        if self.is_users {
            return self.place.field(&self.name);
        }
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
        if let [alone] = &mut *parts {
            // The compiler would suggest arguments for a call that the user has not written.
            alone.is_users = false;
        }
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

    /// What is handed over: a closure with these parameters, in front of the arguments. If it must be
    /// async, what the function gives is looked at.
    pub fn tokens(&self, parameters: &[Ident], is_async: Option<&Crate>) -> TokenStream {
        match self {
            Self::Function(parts) => call_function(parts, parameters, is_async),
            Self::Closure(closure, parts) => call_closure(closure, parts, parameters, is_async),
        }
    }
}

/// Calls the function.
///
/// ```text
/// move |status| {
///     let (mut f, a, b) = thunk;
///     Operand((f.0)(status, a.0, b.0)).returned()
/// }
/// ```
///
/// It is a real call, so that the arguments are coerced, and a wrong one is reported at its place. They
/// are moved first: a mutable reference would only be borrowed by the call.
fn call_function(parts: &[Part], parameters: &[Ident], is_async: Option<&Crate>) -> TokenStream {
    let span = Span::mixed_site();
    let [function, arguments @ ..] = parts else { return TokenStream::new() };
    let place = Extent { last: parts[parts.len() - 1].place.last, ..function.place };
    let (first, last) = (span.located_at(place.first), span.located_at(place.last));
    let whole = hidden(PARTS);
    let (checks, called) = match is_async {
        Some(names) if parameters.is_empty() => not_startable(function, arguments.len(), names),
        _ => (TokenStream::new(), function.value()),
    };
    let function = function.binding();
    let variables = arguments.iter().map(Part::binding);
    let values = arguments.iter().map(Part::value);
    let called = quote_spanned!(first=> (#called));
    let call = quote_spanned!(last=> #called(#(#parameters,)* #(#values),*));
    let checked = returned(call, place, is_async);
    let body = quote_spanned! {span=>
        #[allow(unused_mut)]
        let (mut #function, #(#variables,)*) = #whole;
        #checks
        #checked
    };
    // What is wrong with the whole is reported from the function to its last argument.
    let head = quote_spanned!(first=> move |#(#parameters),*|);
    quote_spanned!(last=> #head { #body })
}

/// A function that is spawned with so many arguments: refused if it wants the task's status first.
///
/// ```text
/// use start_traits::{LookDirect as _, LookStart1 as _, Refuse as _};
/// (&&LookFunction(&f.0)).kind().function(f.0)
/// ```
fn not_startable(function: &Part, arguments: usize, names: &Crate) -> (TokenStream, TokenStream) {
    const MOST: usize = 4;
    let value = function.value();
    if !(1..=MOST).contains(&arguments) {
        return (TokenStream::new(), value);
    }
    let private = names.private();
    let span = Span::mixed_site();
    let (variable, look) = (function.binding(), format_ident!("LookStart{arguments}", span = span));
    let method = Ident::new("function", function.place.first);
    let end = quote_spanned!(span.located_at(function.place.last)=> (#value));
    let first = span.located_at(function.place.first);
    let checks = quote_spanned! {span=>
        #[allow(unused_imports)]
        use #private::start_traits::{LookDirect as _, Refuse as _, #look as _};
        use #private::LookFunction as __TrioFunction;
    };
    (checks, quote_spanned!(first=> (&&__TrioFunction(&#variable.0)).kind().#method #end))
}

/// What a function gave, which can be awaited if it is to be async. It is reported as the call.
fn returned(call: TokenStream, place: Extent, is_async: Option<&Crate>) -> TokenStream {
    let Some(names) = is_async else { return call };
    let private = names.private();
    let span = Span::mixed_site();
    let (first, last) = (span.located_at(place.first), span.located_at(place.last));
    // Not by its path, which would begin elsewhere.
    let operand = Ident::new("__TrioOperand", first);
    let returned = Ident::new("returned", place.first);
    let end = quote_spanned!(last=> ());
    let checked = quote_spanned!(first=> #operand(#call).#returned #end);
    quote_spanned! {span=>
        use #private::Operand as __TrioOperand;
        #checked
    }
}

/// Calls the closure, through a function of this place that ties its parameters to the arguments.
///
/// ```text
/// {
///     fn apply<F, S, A, R>(function: F, a: A) -> impl FnOnce(S) -> R where F: FnOnce(S, A) -> R {
///         move |status| function(status, a)
///     }
///     let (a,) = thunk;
///     let function = apply(closure, a.0);
///     move |status| Operand(function(status)).returned()
/// }
/// ```
fn call_closure(
    closure: &Expr,
    parts: &[Part],
    parameters: &[Ident],
    is_async: Option<&Crate>,
) -> TokenStream {
    let span = Span::mixed_site();
    let function = hidden("function");
    let place = Extent::of(closure);
    let call = quote_spanned!(span=> #function(#(#parameters),*));
    let checked = returned(call, place, is_async);
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
            let #function = #apply(#closure, #(#values),*);
            move |#(#parameters),*| { #checked }
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
pub fn call(names: &Crate, call: &mut ExprCall, place: Extent) -> Option<Expr> {
    let Expr::Path(path) = bare(&call.func) else { return None };
    let mut path = path.path.segments.iter().rev().map(|segment| segment.ident.to_string());
    let is_async = match (path.next()?.as_str(), path.next().as_deref()) {
        ("run", Some("trio")) => true,
        (name, _) if FUNCTIONS.contains(&name) => name == "await_in_trio_thread",
        _ => return None,
    };
    if call.args.len() < 2 {
        return None;
    }
    let thunk = Thunk::new(std::mem::take(&mut call.args));
    call.args.push(Expr::Verbatim(thunk.tokens(&[], is_async.then_some(names))));
    Some(thunk.around(place, call))
}

/// `token.call_soon(f, a)`, likewise.
pub fn method(call: &mut ExprMethodCall, place: Extent) -> Option<Expr> {
    if call.method != "call_soon" || call.args.len() < 2 {
        return None;
    }
    let thunk = Thunk::new(std::mem::take(&mut call.args));
    call.args.push(Expr::Verbatim(thunk.tokens(&[], None)));
    Some(thunk.around(place, call))
}
