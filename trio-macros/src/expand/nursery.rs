//! `nursery!`, opened and joined in the task's own frame.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Macro, Pat};

use super::awaiting::{SITE, site};
use super::body::Rewriter;
use super::endless;
use crate::check::control_flow;
use crate::names::{Extent, anchor, hidden, labelled};
use crate::nursery::{self, Fault, Nursery};
use crate::rules;

/// A nursery in the body of a task.
///
/// ```text
/// nursery!(|n| { …body… })
///
/// ({
///     if false { break 'frame loop {} }
///     nursery! { @rewritten }
///     let n;
///     static SITE: Site = Site::nursery(file!(), line!(), column!(), "function");
///     let guard = unsafe { NurseryGuard::new(&SITE) };
///     n = guard.open();
///     (match async {
///         let value = 'frame: { …body, rewritten… };
///         return Result::<_, trio::Error>::Ok(value);
///     } {
///         body => {
///             use {UnitBody as _, OtherBody as _};
///             let when_cancelled = (&&BodyProbe::new(&body)).when_cancelled();
///             unsafe { guard.join(body, when_cancelled) }
///         }
///     }).await
/// })
/// ```
///
/// The macro's own name is kept in a call that expands to nothing, so that its import is used.
///
/// The guard is declared before the body and dropped after it, so that children may borrow from
/// whatever outlives the nursery, and not from the body. The handle is declared before the guard: a
/// child may borrow it, too (`n.spawn(async { n.cancel() })`).
pub fn expand(rewriter: &mut Rewriter<'_>, mac: &Macro) -> Expr {
    let mut parsed = match Nursery::parse(mac) {
        Ok(parsed) => parsed,
        Err(fault) => return refuse(rewriter, fault),
    };
    let name = binder_name(&parsed.binder);
    control_flow::remove_escapes(&mut parsed.body, &name, rewriter.report);

    let endless = endless::is_nursery_endless(&parsed.body);
    rewriter.binders.enter();
    rewriter.binders.declare_binder(&parsed.binder);
    rewriter.block(&mut parsed.body);
    if endless {
        endless::settle(&mut parsed.body);
    }
    rewriter.binders.leave();

    let span = Span::mixed_site();
    let private = rewriter.names.private();
    let (guard, body, when) = (hidden("guard"), hidden("body"), hidden("when_cancelled"));
    let value = hidden("value");
    let anchor = anchor(mac.path.span());
    let site = site(rewriter, mac.path.span(), "nursery", None);
    let site_name = hidden(SITE);
    let (binder, stmts) = (&parsed.binder, &parsed.body.stmts);
    let frame = labelled(&quote!(#(#stmts)*), parsed.body.brace_token.span.close());
    let handle = handle(binder);
    let declaration = match binder {
        // It has no place, and so no type.
        Pat::Wild(_) => TokenStream::new(),
        // That it is not used is a rule of ours.
        _ => quote_spanned! {span=>
            #[allow(unused_variables, unused_assignments)]
            let #binder;
        },
    };
    let witness = nursery::witness(mac);
    // What is wrong with the whole is reported where the user wrote `nursery!`.
    let span = span.located_at(Extent::of(&mac.path).last);
    Expr::Verbatim(quote_spanned! {span=>
        ({
            #anchor
            #witness
            #declaration
            let #guard = {
                #site
                unsafe { #private::NurseryGuard::new(&#site_name) }
            };
            #handle = #guard.open();
            (match async {
                let #value = #frame;
                #[allow(unreachable_code)]
                return ::core::result::Result::<_, #private::Error>::Ok(#value);
            } {
                #body => {
                    use #private::{OtherBody as _, UnitBody as _};
                    let #when = (&&#private::BodyProbe::new(&#body)).when_cancelled();
                    unsafe { #guard.join(#body, #when) }
                }
            }).await
        })
    })
}

/// A nursery that is a statement: a call of the user's place, so that a result that is thrown away is
/// reported there.
///
/// ```text
/// identity(({ … }))
/// ```
pub fn in_place(mac: &Macro, expanded: &Expr) -> Expr {
    let place = Extent::of(&mac.path).last;
    Expr::Verbatim(quote_spanned!(place=> ::core::convert::identity(#expanded)))
}

/// The error, and an expression that type checks in place of the nursery.
fn refuse(rewriter: &mut Rewriter<'_>, fault: Fault) -> Expr {
    match fault {
        Fault::Syntax(error) => rewriter.report.syntax(&error),
        Fault::Form(place, what) => {
            rewriter.report.structure(rules::NURSERY_FORM, &place, &[what]);
        }
    }
    let span = Span::mixed_site();
    let root = rewriter.names.root();
    Expr::Verbatim(quote_spanned! {span=>
        (::core::option::Option::<::core::result::Result<(), #root::ErrorGroup>>::None.unwrap())
    })
}

/// How the nursery is called in messages.
fn binder_name(binder: &Pat) -> String {
    match binder {
        Pat::Type(typed) => binder_name(&typed.pat),
        Pat::Ident(name) => name.ident.to_string(),
        other => other.to_token_stream().to_string(),
    }
}

/// The handle as what is assigned to.
fn handle(binder: &Pat) -> TokenStream {
    match binder {
        Pat::Type(typed) => handle(&typed.pat),
        Pat::Ident(name) => name.ident.to_token_stream(),
        other => other.to_token_stream(),
    }
}
