//! The attribute and function-like macros of `trio`, structured concurrency for Rust after Python's
//! Trio.
//!
//! Each macro goes through three steps, and this file only starts them:
//!
//! ```text
//!   parse                      check                        expand
//!   item.rs     a function     check/  the rules of         expand/  the body rewritten,
//!   options.rs  its options            rules.rs             entry.rs `main` and `test` around it
//!        │                        │                              │
//!        └──────── report.rs: what was found, said all at once inside the function ──┘
//! ```
//!
//! A mistake never makes the function disappear: the item is always emitted, with the errors as
//! statements in its body, so that the rest of the crate is still checked and an editor keeps working.
//!
//! What the generated code calls is agreed with the runtime in `CONTRACT.md`.

#![forbid(unsafe_code)]

mod attributes;
mod binders;
mod check;
mod entry;
mod expand;
mod item;
mod levels;
mod macro_arguments;
mod mentions;
mod names;
mod nearest;
mod nursery;
mod options;
mod report;
mod rules;
mod task_output;
#[cfg(test)]
mod tests;
mod text;

use proc_macro::TokenStream;

/// Makes an `async fn` a task function: calling it gives a `Call`, which can be awaited in another
/// task or given to a nursery, and nothing else.
///
/// ```text
/// #[trio::task]
/// async fn fetch(url: &Url) -> trio::Result<Page> { … }
///
/// fn fetch(url: &Url) -> Call<impl Future<Output = trio::Result<Page>>> { … }
/// ```
///
/// It goes on free functions, on methods with any `self`, and on the methods of traits and their
/// implementations. In the body every `.await` is a marked cancellation point, and the function's
/// documentation lists them.
///
/// # Options
///
/// - `boxed`: the frame is allocated on its own, which recursion needs.
/// - `strict`: every path through the function must have a cancellation point.
/// - `allow(rule, …)`, `warn(rule, …)`, `deny(rule, …)`: switches rules off, asks for those that are
///   silent otherwise, or makes them errors. For one place write `#[trio(allow(rule))]` at the
///   statement or expression.
/// - `crate = "path"`: where to find `trio`, if it goes by another name.
#[proc_macro_attribute]
pub fn task(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::task(options.into(), item.into()).into()
}

/// Makes an `async fn` the program's `main`: it runs as the first task, an error is reported as a
/// readable tree, and Ctrl-C cancels it.
///
/// ```text
/// #[trio::main]
/// async fn main() -> trio::Result<()> { … }
/// ```
///
/// # Options
///
/// - `grace_seconds = 5`: the first Ctrl-C only asks the program to stop, as with `Builder::grace`; the
///   next one cancels.
/// - `allow(…)`, `warn(…)`, `deny(…)` and `crate = "path"`, as for `#[trio::task]`.
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::main(options.into(), item.into()).into()
}

/// Makes an `async fn` a test that runs as a task.
///
/// ```text
/// #[trio::test(clock = "mock")]
/// async fn a_second_passes_at_once() { trio::sleep(Duration::from_secs(1)).await }
/// ```
///
/// # Options
///
/// - `clock = "mock"`: virtual time, which jumps ahead when every task waits.
/// - `seed = N`: shuffles the order in which tasks run, reproducibly.
/// - `allow(…)`, `warn(…)`, `deny(…)` and `crate = "path"`, as for `#[trio::task]`.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    entry::test(options.into(), item.into()).into()
}

/// Opens a nursery in the body of a task: `nursery!(|n| { n.spawn(child, 1); … })`.
///
/// The block runs in the task itself, and its value comes out as a `Result<_, ErrorGroup>` when every
/// child is finished. `?` in the block cancels the nursery and makes it fail.
///
/// The functions marked `#[trio::task]`, `#[trio::main]` and `#[trio::test]` rewrite it; anywhere else
/// it is an error.
#[proc_macro]
pub fn nursery(arguments: TokenStream) -> TokenStream {
    entry::stray_nursery(&arguments.into()).into()
}

/// Lets a type of one's own be what a task in a nursery returns, as a plain value.
///
/// ```text
/// #[derive(trio::TaskOutput)]
/// struct Page { … }
/// ```
///
/// `()`, the types of the standard library, and every `Result` whose error can be boxed need nothing.
#[proc_macro_derive(TaskOutput)]
pub fn task_output(item: TokenStream) -> TokenStream {
    task_output::derive(item.into()).into()
}
