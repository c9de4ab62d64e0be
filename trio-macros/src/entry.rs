//! The macros themselves: what each puts around the expanded function.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, ReturnType, Visibility};

use crate::check::{self, placement};
use crate::expand;
use crate::item::{Function, Item};
use crate::levels::Levels;
use crate::names::Crate;
use crate::nursery;
use crate::options::{Kind, Options};
use crate::report::{self, Report};
use crate::rules;

/// `#[trio::task]`.
pub fn task(options: TokenStream, item: TokenStream) -> TokenStream {
    match prepare(Kind::Task, options, item) {
        Ok(Prepared { function, options, levels, names, report, .. }) => {
            expand::function(function, &options, levels, &names, report)
        }
        Err(tokens) => tokens,
    }
}

/// `#[trio::main]`.
///
/// ```text
/// async fn main() -> T { …body… }
///
/// fn main() -> ExitCode {
///     fn main() -> Call<impl Future<Output = T>> { … }
///     use main_traits::*;
///     (&&&&run_main(Builder::new(), main)).exit_code()
/// }
/// ```
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    around(Kind::Main, options, item, |around| {
        let &Around { names, name, output, options, .. } = around;
        let (root, private) = (names.root(), names.private());
        let span = Span::mixed_site();
        let grace = options.grace_seconds.as_ref().map(
            |seconds| quote_spanned!(span=> .grace(::core::time::Duration::from_secs(#seconds))),
        );
        let exit = quote_spanned!(output=> exit_code());
        Outer {
            attributes: TokenStream::new(),
            output: quote_spanned!(Span::mixed_site()=> -> ::std::process::ExitCode),
            run: quote_spanned! {span=>
                use #private::main_traits::*;
                (&&&&#private::run_main(#root::Builder::new() #grace, #name)).#exit
            },
        }
    })
}

/// `#[trio::test]`.
///
/// ```text
/// #[trio::test(clock = "mock", seed = 7)]
/// async fn t() -> T { …body… }
///
/// #[test]
/// fn t() -> T {
///     fn t() -> Call<impl Future<Output = T>> { … }
///     Builder::new().for_test().clock(MockClock::autojump()).scheduler_seed(7).run(t)
/// }
/// ```
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    around(Kind::Test, options, item, |around| {
        let Around { names, name, options, result, refused, .. } = around;
        let root = names.root();
        let span = Span::mixed_site();
        let clock = options
            .mock_clock
            .then(|| quote_spanned!(span=> .clock(#root::testing::MockClock::autojump())));
        let seed = options.seed.as_ref().map(|seed| quote_spanned!(span=> .scheduler_seed(#seed)));
        Outer {
            // With errors in it, it is compiled also where tests are not, so that they are said.
            attributes: match refused {
                true => TokenStream::new(),
                false => quote_spanned!(span=> #[::core::prelude::v1::test]),
            },
            output: result.to_token_stream(),
            run: quote_spanned!(span=> #root::Builder::new().for_test() #clock #seed .run(#name)),
        }
    })
}

/// `nursery!` where no task function sees it, or where one has left a witness of it.
pub fn stray_nursery(arguments: &TokenStream) -> TokenStream {
    if nursery::is_witness(arguments) {
        return TokenStream::new();
    }
    report::alone(rules::NURSERY_OUTSIDE_TASK, &[])
}

/// A function that has been parsed and checked.
struct Prepared {
    function: Function,
    options: Options,
    levels: Levels,
    names: Crate,
    report: Report,
    /// Nothing is wrong with the signature.
    fits: bool,
}

/// Parses and checks. What cannot be expanded is given back as it is, with what is wrong.
fn prepare(kind: Kind, options: TokenStream, item: TokenStream) -> Result<Prepared, TokenStream> {
    let mut report = Report::default();
    let options = Options::parse(kind, options, &mut report);
    let mut function = match Item::parse(item) {
        Item::Function(function) => *function,
        Item::Other(keyword, tokens) => {
            let text = keyword.to_string();
            report.structure(rules::TASK_ON_WRONG_ITEM, &keyword, &[kind.name(), &text]);
            let errors = report.into_errors();
            return Err(quote!(#tokens #errors));
        }
        Item::Unreadable(tokens) => return Err(tokens),
    };
    let fits = placement::signature(kind, &mut function, &mut report);
    if function.signature.asyncness.is_none() {
        placement::not_async(kind, &function, &mut report);
        return Err(expand::unchanged(&function, report));
    }
    let levels = Levels::new(&options.lists, &function.attributes);
    let names = Crate::new(options.crate_path.as_ref());
    check::function(kind, &function, options.strict, &levels, &mut report);
    Ok(Prepared { function, options, levels, names, report, fits })
}

/// What the function around a task is made from.
struct Around<'a> {
    names: &'a Crate,
    options: &'a Options,
    name: &'a syn::Ident,
    /// The return type as the user wrote it, and a span for what is wrong with it.
    result: &'a ReturnType,
    output: Span,
    /// Something is wrong with it.
    refused: bool,
}

/// What the function around a task has of its own.
struct Outer {
    attributes: TokenStream,
    output: TokenStream,
    run: TokenStream,
}

/// A plain function that runs a task function inside it.
fn around(
    kind: Kind,
    options: TokenStream,
    item: TokenStream,
    outer: impl FnOnce(&Around<'_>) -> Outer,
) -> TokenStream {
    let Prepared { mut function, options, levels, names, report, fits } =
        match prepare(kind, options, item) {
            Ok(prepared) => prepared,
            Err(tokens) => return tokens,
        };
    let attributes: Vec<Attribute> = std::mem::take(&mut function.attributes);
    let visibility = std::mem::replace(&mut function.visibility, Visibility::Inherited);
    let name = function.signature.ident.clone();
    let result = function.signature.output.clone();
    let output = match &result {
        ReturnType::Type(_, ty) => crate::names::Extent::of(ty).first,
        ReturnType::Default => Span::mixed_site(),
    };
    let around = Around {
        names: &names,
        options: &options,
        name: &name,
        result: &result,
        output,
        refused: report.has_errors(),
    };
    let Outer { attributes: own, output, run } = outer(&around);
    // A function that cannot be called is still checked.
    let run = if fits { run } else { quote_spanned!(Span::mixed_site()=> loop {}) };
    let task = expand::function(function, &options, levels, &names, report);
    quote! {
        #own
        #(#attributes)*
        #visibility fn #name() #output {
            #task
            #run
        }
    }
}
