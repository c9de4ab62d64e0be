//! How generated code names things: hidden names that cannot meet the user's, and absolute paths into
//! the runtime crate.
//!
//! Local variables and labels are hidden by hygiene (`Span::mixed_site`). Items are not hygienic in
//! procedural macros, so generated items have long names and stand only where no user code is.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Lifetime;

/// Where the generated code finds the runtime.
#[derive(Clone)]
pub struct Crate(TokenStream);

impl Crate {
    /// `trio`, unless the option `crate = "…"` says otherwise.
    pub fn new(path: Option<&syn::Path>) -> Self {
        Self(match path {
            Some(path) => path.to_token_stream(),
            None => quote_spanned!(Span::mixed_site()=> ::trio),
        })
    }

    /// The path of the crate itself.
    pub fn root(&self) -> &TokenStream {
        &self.0
    }

    /// The path of the module that holds what only generated code may use.
    pub fn private(&self) -> TokenStream {
        let root = &self.0;
        quote_spanned!(Span::mixed_site()=> #root::__private)
    }
}

/// A local variable that the user's code cannot name.
pub fn hidden(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The label of the frame around a body. A frame inside hides that of the one around it.
fn frame_label(place: Span) -> Lifetime {
    Lifetime::new("'frame_of_the_task", Span::mixed_site().located_at(place))
}

/// `'frame: { …body… }`. What the compiler says of its end, it says of the brace that ends the user's.
pub fn labelled(body: &TokenStream, end: Span) -> TokenStream {
    let span = Span::mixed_site().located_at(end);
    let label = frame_label(end);
    quote_spanned!(span=> #label: { #body })
}

/// A `break` that is never taken, to the label of the frame.
///
/// A macro of the user could put the tokens of an await into an `async` block or closure of its own
/// and so get a plain future around a task's frame. The label is out of reach there, so that such code
/// does not compile.
///
/// It is reported where the user wrote what must stay in its frame.
pub fn anchor(place: Span) -> TokenStream {
    let label = frame_label(place);
    quote_spanned! {Span::mixed_site().located_at(place)=>
        #[allow(unreachable_code)]
        if false { break #label loop {} }
    }
}

/// The first and the last token of what the user wrote: code spanned with both is reported as if it
/// stood there.
///
/// ```text
/// fetch(&url).await      first = `fetch`, last = `await`
/// ```
#[derive(Clone, Copy)]
pub struct Extent {
    pub first: Span,
    pub last: Span,
}

impl Extent {
    pub fn of(tokens: &impl ToTokens) -> Self {
        let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
        let first = spans.next().unwrap_or_else(Span::mixed_site);
        let last = spans.last().unwrap_or(first);
        Self { first, last }
    }

    /// A variable for what the user wrote, as it stands in the pattern that binds it.
    ///
    /// It resolves like the user's tokens, so that an expression made of it counts as the user's; but
    /// its place is the attribute's: a pattern is pointed at as the place of a declaration.
    pub fn binding(self, name: &str) -> Ident {
        Ident::new(name, self.first.located_at(Span::call_site()))
    }

    /// `variable.0`: the one field of a variable that holds what the user wrote. Its tokens lie at both
    /// ends of it, so that the whole is underlined when its type is wrong.
    pub fn field(self, name: &str) -> TokenStream {
        let variable = Ident::new(name, self.first);
        let mut index = Literal::usize_unsuffixed(0);
        index.set_span(self.last);
        let dot = quote_spanned!(self.last=> .);
        quote_spanned!(self.first=> #variable #dot #index)
    }

    /// `(match scrutinee { arm })`, in place of what the user wrote.
    ///
    /// A match keeps the temporaries of its scrutinee until the end of the user's statement. It needs the
    /// parentheses where a statement begins.
    pub fn matched(self, scrutinee: &TokenStream, arm: &TokenStream) -> TokenStream {
        let keyword = Ident::new("match", Span::mixed_site().located_at(self.first));
        let braces = quote_spanned!(keyword.span()=> { #arm });
        quote_spanned!(self.first=> (#keyword #scrutinee #braces))
    }
}
