//! The signature of a task function, and how its arguments get into the frame.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, FnArg, Pat, PatIdent, PatType, Receiver, ReturnType, Signature, Token, Type,
    parse_quote_spanned,
};

use crate::item::Function;
use crate::levels;
use crate::mentions::Mentions;
use crate::names::{Crate, Extent, hidden, labelled};

/// A function taken apart.
pub struct Parts {
    /// The signature that calls see.
    pub signature: TokenStream,
    /// Statements that take the arguments over into the frame.
    bindings: TokenStream,
    /// The type of the output as the frame may name it.
    output: Option<Type>,
    /// Where the function has its name.
    name: Span,
}

impl Parts {
    /// Takes the signature apart. Its parameters are left as the new function has them.
    pub fn new(function: &mut Function, body: &Mentions, names: &Crate) -> Self {
        let signature = &mut function.signature;
        let span = Span::mixed_site();
        let bindings = captures(signature, body).unwrap_or_else(|| bindings(signature));
        let (output, named) = match std::mem::replace(&mut signature.output, ReturnType::Default) {
            ReturnType::Default => {
                let unit: Type = parse_quote_spanned!(span=> ());
                (unit.clone(), Some(unit))
            }
            ReturnType::Type(_, output) => output_types(*output, names),
        };
        signature.asyncness = None;
        let private = names.private();
        let call = quote_spanned! {span=>
            #private::Call<impl ::core::future::Future<Output = #output>>
        };
        let name = signature.ident.span();
        Self { signature: with_output(signature, &call), bindings, output: named, name }
    }

    /// The statements that make the frame and return it.
    pub fn frame(&self, body: &TokenStream, end: Span, boxed: bool, names: &Crate) -> TokenStream {
        let span = Span::mixed_site();
        let frame = hidden("frame");
        let body = frame_body(&self.bindings, self.output.as_ref(), body, end);
        // What the compiler has to say about the whole, it says of the function's name.
        let made = quote_spanned!(span.located_at(self.name)=> async move { #body });
        let private = names.private();
        let new = hidden(if boxed { "boxed" } else { "new" });
        quote_spanned! {span=>
            let #frame = #made;
            unsafe { #private::Call::#new(#frame) }
        }
    }
}

/// What stands in the `async` block of a frame.
///
/// ```text
/// let a = a;                                                  the arguments
/// if let Some(output) = None::<(T,)> { return output.0; }     so that `return` knows the type
/// 'frame: { …body… }
/// ```
///
/// The tail is ours, and of edition 2024: the body's last temporaries go before the arguments do.
pub fn frame_body(
    bindings: &TokenStream,
    output: Option<&Type>,
    body: &TokenStream,
    end: Span,
) -> TokenStream {
    let span = Span::mixed_site();
    let frame = labelled(body, end);
    let edge = output.map(|output| {
        // A value of another type is reported with the place of the type.
        let place = Extent::of(output);
        let (result, returned) = (place.binding("__trio_output"), place.field("__trio_output"));
        quote_spanned! {span=>
            if let ::core::option::Option::Some(#result) =
                ::core::option::Option::None::<(#output,)>
            {
                return #returned;
            }
        }
    });
    quote_spanned!(span=> #bindings #edge #frame)
}

/// The statements that capture arguments as they are, if all can be: names that the body mentions.
///
/// What is captured is in the frame once, and what is bound anew twice. Captured as a whole, not field by
/// field, it lives until the frame ends; what is captured first goes first then, and arguments go last first.
///
/// ```text
/// a: A, mut b: B      let _ = &b; let _ = &a;
/// ```
fn captures(signature: &Signature, body: &Mentions) -> Option<TokenStream> {
    let span = Span::mixed_site();
    let mut captures = TokenStream::new();
    for input in signature.inputs.iter().rev() {
        captures.extend(match input {
            FnArg::Receiver(Receiver { attrs, self_token, .. }) if attrs.is_empty() => {
                quote_spanned!(span=> let _ = &#self_token;)
            }
            FnArg::Typed(PatType { attrs, pat, .. }) if attrs.is_empty() => match &**pat {
                Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. })
                    if is_mentioned(ident, body) =>
                {
                    quote_spanned!(span=> let _ = &#ident;)
                }
                _ => return None,
            },
            _ => return None,
        });
    }
    Some(captures)
}

/// What is not mentioned is bound anew, so that the compiler says that it is not used.
fn is_mentioned(ident: &Ident, body: &Mentions) -> bool {
    let name = ident.to_string();
    !name.starts_with('_') && body.count(&name) > 0
}

/// The statements that bind the arguments anew.
fn bindings(signature: &mut Signature) -> TokenStream {
    let span = Span::mixed_site();
    let mut bindings = TokenStream::new();
    for (index, input) in signature.inputs.iter_mut().enumerate() {
        bindings.extend(match input {
            FnArg::Receiver(receiver) => {
                levels::strip(&mut receiver.attrs);
                let this = &receiver.self_token;
                quote_spanned!(span=> let _ = &#this;)
            }
            FnArg::Typed(argument) => argument_binding(argument, index),
        });
    }
    bindings
}

/// The statements that bind one argument, whose pattern becomes a plain name.
///
/// ```text
/// mut a: A         a: A           let mut a = a;
/// (b, c): (B, C)   __1: (B, C)    let __1 = __1; let (b, c) = __1;
/// ```
fn argument_binding(argument: &mut PatType, index: usize) -> TokenStream {
    let span = Span::mixed_site();
    levels::strip(&mut argument.attrs);
    let (conditions, lints) = split_attributes(&mut argument.attrs);
    if let Pat::Ident(PatIdent { by_ref: None, subpat: None, mutability, ident, .. }) =
        &mut *argument.pat
    {
        let mutability = mutability.take();
        // It is used here, in order to live until the frame ends.
        let underscore = ident.to_string().starts_with('_').then(|| {
            quote_spanned! {span=>
                #[allow(clippy::used_underscore_binding, clippy::no_effect_underscore_binding)]
            }
        });
        return quote_spanned! {span=>
            #underscore #(#conditions)* #(#lints)* let #mutability #ident = #ident;
        };
    }
    let plain = hidden(&format!("__{index}"));
    let name: Pat = Pat::Ident(PatIdent {
        attrs: Vec::new(),
        by_ref: None,
        mutability: None,
        ident: plain.clone(),
        subpat: None,
    });
    let pattern = std::mem::replace(&mut *argument.pat, name);
    let parts = match pattern {
        Pat::Wild(_) => TokenStream::new(),
        pattern => quote_spanned!(span=> #(#conditions)* #(#lints)* let #pattern = #plain;),
    };
    quote_spanned!(span=> #(#conditions)* let #plain = #plain; #parts)
}

/// Conditions hold for the parameter and its binding; lint levels are for the binding.
fn split_attributes(attributes: &mut Vec<Attribute>) -> (Vec<Attribute>, Vec<Attribute>) {
    let is = |attribute: &Attribute, names: &[&str]| {
        names.iter().any(|name| attribute.path().is_ident(name))
    };
    let lints = ["allow", "expect", "warn", "deny", "forbid"];
    let (lints, rest): (Vec<_>, Vec<_>) =
        attributes.drain(..).partition(|attribute| is(attribute, &lints));
    *attributes = rest;
    let conditions = attributes
        .iter()
        .filter(|attribute| is(attribute, &["cfg", "cfg_attr"]))
        .cloned()
        .collect();
    (conditions, lints)
}

/// The output as it stands in the signature, and as it can be named inside the frame, if it can.
///
/// ```text
/// !                  Never                  none, since nothing returns
/// impl Display       impl Display           _
/// Vec<impl Display>  Vec<impl Display>      Vec<_>
/// ```
fn output_types(output: Type, names: &Crate) -> (Type, Option<Type>) {
    if let Type::Never(never) = &output {
        let private = names.private();
        let span = never.bang_token.span;
        let never: Type = parse_quote_spanned!(span=> #private::Never);
        return (never, None);
    }
    let mut opaque = OpaqueTypes { replace: false };
    let mut public = output.clone();
    opaque.visit_type_mut(&mut public);
    opaque.replace = true;
    let mut inside = output;
    opaque.visit_type_mut(&mut inside);
    let inside = if matches!(inside, Type::Infer(_)) { None } else { Some(inside) };
    (public, inside)
}

/// `impl Trait` in the output. The keyword is ours, so that it captures every lifetime of the function
/// in any edition, as it does for `async fn`.
struct OpaqueTypes {
    replace: bool,
}

impl VisitMut for OpaqueTypes {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) if self.replace => {
                *ty = parse_quote_spanned!(Span::mixed_site()=> _)
            }
            Type::ImplTrait(opaque) => {
                opaque.impl_token = Token![impl](Span::mixed_site());
                visit_mut::visit_type_impl_trait_mut(self, opaque);
            }
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }
}

/// The tokens of a signature with this output, in front of its `where`.
fn with_output(signature: &Signature, output: &TokenStream) -> TokenStream {
    let Signature { safety, fn_token, ident, generics, inputs, .. } = signature;
    let (parameters, where_clause) = (&generics.params, &generics.where_clause);
    let span = Span::mixed_site();
    let parameters = (!parameters.is_empty()).then(|| {
        let (open, close) = (&generics.lt_token, &generics.gt_token);
        quote_spanned!(span=> #open #parameters #close)
    });
    let mut arguments = TokenStream::new();
    signature.paren_token.surround(&mut arguments, |tokens| inputs.to_tokens(tokens));
    let safety = safety.to_token_stream();
    quote_spanned!(span=> #safety #fn_token #ident #parameters #arguments -> #output #where_clause)
}

/// A frame made of an `async` block, bound outside of any `unsafe` block and given to a type of the
/// runtime.
///
/// ```text
/// (match async { … } { frame => unsafe { Block::new(frame) } })
/// ```
pub fn frame(made: &TokenStream, ty: &str, place: Extent, names: &Crate) -> TokenStream {
    // What is wrong with the frame is reported where the user's code begins.
    let span = Span::mixed_site().located_at(place.first);
    let frame = Ident::new("__trio_frame", span);
    let private = names.private();
    let ty = Ident::new(ty, span);
    place.matched(made, &quote_spanned!(span=> #frame => unsafe { #private::#ty::new(#frame) }))
}
