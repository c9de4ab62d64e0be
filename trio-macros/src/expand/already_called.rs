//! `n.spawn(child(1))`: what is already called cannot be spawned, nor given to another thread.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprCall, ExprMethodCall, Token};

use super::body::Rewriter;
use super::spawn::Method;
use super::thunks;
use crate::attributes::bare;
use crate::names::Extent;
use crate::rules::{self, Rule};
use crate::text::text;

/// Who is given the function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taker {
    Nursery(Method),
    Thread,
}

/// What is said when the only argument turns out to be called already. Made before it is rewritten.
pub struct AlreadyCalled {
    taker: Taker,
    message: String,
    label: String,
    note: String,
    rule: &'static str,
}

impl AlreadyCalled {
    /// For `n.spawn(child(1))` and `n.spawn(self.serve())`.
    pub fn of(rewriter: &Rewriter<'_>, method: Method, call: &ExprMethodCall) -> Option<Self> {
        let receiver = text(&call.receiver);
        let spawn = &call.method;
        let (index, name) = match method {
            Method::Spawn | Method::Start => (0, String::new()),
            Method::Named => (1, format!("{}, ", text(call.args.first()?))),
        };
        if call.args.len() != index + 1 {
            return None;
        }
        let argument = bare(call.args.get(index)?);
        let whole = format!("{receiver}.{spawn}({name}{})", text(argument));
        let write = |thunk: String| format!("{receiver}.{spawn}({name}{thunk})");
        let (rule, called, correct) = match argument {
            Expr::Call(inner) => {
                let function = text(&inner.func);
                let parts = std::iter::once(function.clone()).chain(inner.args.iter().map(text));
                let parts: Vec<_> = parts.collect();
                (rules::SPAWN_CALLED, function, write(parts.join(", ")))
            }
            Expr::MethodCall(inner) => {
                let this = text(&inner.receiver);
                let method = inner.method.to_string();
                let correct = match this.as_str() {
                    "self" => {
                        let parts = [format!("Self::{method}"), this].into_iter();
                        let parts: Vec<_> = parts.chain(inner.args.iter().map(text)).collect();
                        write(parts.join(", "))
                    }
                    _ => write(format!("|| {}", text(inner))),
                };
                (rules::SPAWN_METHOD_CALLED, method, correct)
            }
            _ => return None,
        };
        Self::new(rewriter, Taker::Nursery(method), rule, [&whole, &called, &correct])
    }

    /// For `run_in_worker_thread(blocking(1))`, and the like for the run's thread.
    pub fn of_call(rewriter: &Rewriter<'_>, call: &ExprCall) -> Option<Self> {
        if call.args.len() != 1 || !thunks::takes_function_of_a_thread(call) {
            return None;
        }
        let taker = text(&call.func);
        let argument = bare(&call.args[0]);
        let (called, job) = match argument {
            Expr::Call(inner) => {
                let function = text(&inner.func);
                let parts = std::iter::once(function.clone()).chain(inner.args.iter().map(text));
                (function, parts.collect::<Vec<_>>().join(", "))
            }
            Expr::MethodCall(inner) => (inner.method.to_string(), format!("|| {}", text(inner))),
            _ => return None,
        };
        let whole = format!("{taker}({})", text(argument));
        let texts = [&whole, &called, &format!("{taker}({job})")];
        Self::new(rewriter, Taker::Thread, rules::THREAD_CALLED, texts)
    }

    fn new(
        rewriter: &Rewriter<'_>,
        taker: Taker,
        rule: &'static Rule,
        texts: [&String; 3],
    ) -> Option<Self> {
        if rewriter.levels.allows(rule) {
            return None;
        }
        let [whole, called, correct] = texts.map(String::as_str);
        let (message, note) = rule.texts(&[whole, called, correct]);
        let label = format!("this already called `{called}`");
        Some(Self { taker, message, label, note, rule: rule.name })
    }

    /// `n.spawn(call)`, checked by a trait of this place alone.
    ///
    /// ```text
    /// n.spawn(child(1))
    ///
    /// (match (child(1),) {
    ///     called => {
    ///         …the items below…
    ///         n.spawn((&&Look(&called.0)).kind().given(called.0))
    ///     }
    /// })
    /// ```
    ///
    /// A call that gives a thunk passes. Otherwise `given` has a bound that is never met and whose text
    /// is the rule; it gives another thunk, so that the mistake is reported only once.
    pub fn check<C: Arguments>(
        &self,
        rewriter: &Rewriter<'_>,
        call: &mut C,
        place: Extent,
    ) -> Expr {
        const CALLED: &str = "__trio_called";
        let span = Span::mixed_site();
        let argument = call.arguments().pop();
        let inside = Extent::of(&argument);
        let (variable, passed) = (inside.binding(CALLED), inside.field(CALLED));
        let items = self.items(rewriter);
        let given = Ident::new("given", span.located_at(inside.first));
        call.arguments().push(Expr::Verbatim(quote_spanned! {span=>
            (&&__TrioLook(&#variable.0)).kind().#given(#passed)
        }));
        Expr::Verbatim(place.matched(
            &quote_spanned!(span=> (#argument,)),
            &quote_spanned!(span=> #variable => { #items #call }),
        ))
    }

    /// The items that tell a thunk from anything else, with the texts of this place.
    fn items(&self, rewriter: &Rewriter<'_>) -> TokenStream {
        let private = rewriter.names.private();
        // Braces would be placeholders.
        let plain = |text: &str| text.replace('{', "(").replace('}', ")");
        let (message, label) = (plain(&self.message), plain(&self.label));
        let (note, rule) = (plain(&self.note), format!("rule: {}", self.rule));
        let root = rewriter.names.root();
        let span = Span::mixed_site();
        // What the method takes, and a function that is of that kind.
        let (status, bound, another) = match self.taker {
            // Its value is that of the call, so that what is done with it is right.
            Taker::Thread => (
                quote_spanned!(span=>),
                quote_spanned!(span=> #root::thread::Job),
                quote_spanned!(span=> fn() -> T),
            ),
            Taker::Nursery(Method::Spawn | Method::Named) => (
                quote_spanned!(span=>),
                quote_spanned!(span=> #private::Thunk),
                quote_spanned!(span=> fn() -> ::core::future::Ready<()>),
            ),
            Taker::Nursery(Method::Start) => (
                quote_spanned!(span=> V, C,),
                quote_spanned!(span=> ::core::ops::FnOnce(#root::TaskStatus<V>) -> C),
                quote_spanned!(span=> fn(#root::TaskStatus<V>) -> ::core::future::Ready<()>),
            ),
        };
        let value =
            (self.taker == Taker::Nursery(Method::Start)).then(|| quote_spanned!(span=> , V));
        quote_spanned! {span=>
            #[diagnostic::on_unimplemented(
                message = #message, label = #label, note = #note, note = #rule
            )]
            trait __TrioThunk {}
            enum __TrioNothing {}
            #[diagnostic::do_not_recommend]
            impl __TrioThunk for __TrioNothing {}
            struct __TrioLook<'a, T>(&'a T);
            struct __TrioGiven;
            struct __TrioCalled;
            trait __TrioLookGiven<#status> { fn kind(&self) -> __TrioGiven { __TrioGiven } }
            impl<#status T: #bound> __TrioLookGiven<#status> for &__TrioLook<'_, T> {}
            trait __TrioLookCalled { fn kind(&self) -> __TrioCalled { __TrioCalled } }
            impl<T> __TrioLookCalled for __TrioLook<'_, T> {}
            impl __TrioGiven { fn given<T>(self, thunk: T) -> T { thunk } }
            impl __TrioCalled {
                fn given<T: __TrioThunk #value>(self, _: T) -> #another {
                    ::core::unreachable!()
                }
            }
        }
    }
}

/// A call, by its arguments.
pub trait Arguments: ToTokens {
    fn arguments(&mut self) -> &mut Punctuated<Expr, Token![,]>;
}

impl Arguments for ExprCall {
    fn arguments(&mut self) -> &mut Punctuated<Expr, Token![,]> {
        &mut self.args
    }
}

impl Arguments for ExprMethodCall {
    fn arguments(&mut self) -> &mut Punctuated<Expr, Token![,]> {
        &mut self.args
    }
}
