//! Whatever the compiler hands over, nothing panics: token streams of real syntax, broken at random.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use proptest::prelude::*;
use quote::quote;

use crate::item::{Body, Item};
use crate::{entry, task_output};

/// A little of everything that is followed or rewritten.
const BODIES: [&str; 9] = [
    "'a: loop { if let Some(x) = f() && !g(x).await || true { continue 'a } else { break 'a 1 } }",
    "match x { #[cfg(unix)] A(y) if y.await? => return Err(1), b @ 1..=2 => {} _ => unsafe { z } }",
    "nursery!(|n| { n.spawn(f, 1); for i in 0..3 { n.start(g).await?; } vec![a.await; 2]; })?;",
    "fail_after(d, async move { #[trio(allow(never_awaits))] while true { h() } }).await",
    "let Ok(y) = k[1].await else { panic!(\"{}\", 1) }; assert!(c && d.await, \"{y}\"); S { a, ..y }",
    "'b: { v.iter().map(|x| async { x }).run(async || { let q = const { 1 } as u8; [x, y] = (1, 2); }) }",
    "n.spawn(child(1), 2).await; let _ = child(x)?; drop(Self::serve(&self)); _ = n.start(f, a.b()).wait()",
    "nursery!(|mut n: &Nursery| { nursery!(|_| { break 'a x; return })?; n.spawn(async || { n }, async { y.await }) })",
    "println!(\"{}\", f(x.await)); select! { a = b => c.await } fn g() { x.await } #[cfg(a)] vec![m!(t.await)];",
];

/// What is done to a token, somewhere in the tree.
#[derive(Clone, Debug)]
enum Change {
    Remove,
    Repeat,
    SwapWithNext,
    Replace(TokenTree),
    Unwrap,
}

fn change() -> impl Strategy<Value = Change> {
    const TOKENS: &str = "loop break continue return await async move if else match let while for in \
                          true false 'a 'b ? ! | || && & . , ; : = => .. ..= # x nursery vec assert Err 0 \
                          {} () [] (1) { 1 } { ; }";
    let tokens: TokenStream = TOKENS.parse().unwrap();
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    prop_oneof![
        Just(Change::Remove),
        Just(Change::Repeat),
        Just(Change::SwapWithNext),
        Just(Change::Unwrap),
        (0..tokens.len()).prop_map(move |index| Change::Replace(tokens[index].clone())),
    ]
}

/// Changes the token of that number, counted through the tree.
fn apply(tokens: TokenStream, change: &Change, number: &mut usize) -> TokenStream {
    let mut changed: Vec<TokenTree> = Vec::new();
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        let is_meant = *number == 0;
        *number = number.wrapping_sub(1);
        match (is_meant.then_some(change), token) {
            (None, TokenTree::Group(group)) => {
                let inside = apply(group.stream(), change, number);
                changed.push(Group::new(group.delimiter(), inside).into());
            }
            (None, token) => changed.push(token),
            (Some(Change::Remove), _) => {}
            (Some(Change::Repeat), token) => changed.extend([token.clone(), token]),
            (Some(Change::SwapWithNext), token) => {
                changed.extend(tokens.next().into_iter().chain([token]))
            }
            (Some(Change::Replace(other)), _) => changed.push(other.clone()),
            (Some(Change::Unwrap), TokenTree::Group(group)) => changed.extend(group.stream()),
            (Some(Change::Unwrap), token) => {
                changed.push(Group::new(Delimiter::None, token.into()).into());
            }
        }
    }
    changed.into_iter().collect()
}

#[test]
fn what_is_broken_was_whole() {
    for body in BODIES {
        let body: TokenStream = body.parse().unwrap();
        let item = Item::parse(quote!(async fn f() { #body }));
        let Item::Function(function) = item else { panic!("{body}") };
        assert!(matches!(function.body, Body::Parsed(_)), "{body}");
    }
}

/// Signatures of every kind, in front of a body.
const SIGNATURES: [&str; 6] = [
    "async fn f(a: u32) -> u32",
    "pub(crate) async fn f<'a, const N: usize>(&'a mut self, (b, [c, ..]): (u8, T)) -> impl Fn() + 'a where T: X",
    "#[test] #[trio(allow(never_awaits))] async fn f()",
    "default async unsafe extern \"C\" fn f(self: Box<Self>, #[cfg(x)] mut y: &impl T, timeout: Duration) -> !",
    "#[doc = \"f\"] #[inline] const fn f(st: TaskStatus<u16>, r#type: &dyn Fn(&u8) -> u8, n: &Nursery)",
    "impl X for Y { } async fn f(Z { z, .. }: Z, _: ())",
];

const OPTIONS: [&str; 4] = [
    "strict, deny(scope_no_guaranteed_checkpoint)",
    "boxed, allow(never_awaits, no_such_rule), crate = \"a::b\"",
    "clock = \"mock\", seed = 7, warn(busy_wait)",
    "",
];

/// What `nursery!` and `derive` are given, where no function sees them.
const OTHERS: [&str; 3] = [
    "|n| { n.spawn(child, 1); n }",
    "struct S<'a, T: X, const N: usize>(&'a T) where T: Y;",
    "enum E<T = u8> { A { t: T }, B }",
];

fn changes() -> impl Strategy<Value = Vec<(Change, usize)>> {
    prop::collection::vec((change(), 0..120_usize), 0..6)
}

fn changed(tokens: &str, changes: &[(Change, usize)]) -> TokenStream {
    let tokens: TokenStream = tokens.parse().unwrap();
    changes
        .iter()
        .fold(tokens, |tokens, (change, number)| apply(tokens, change, &mut number.clone()))
}

/// Whether the function is still there, under its name.
fn has_function(tokens: TokenStream, name: &str) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |token: &TokenTree, word: &str| token.to_string() == word;
    tokens.windows(2).any(|pair| is(&pair[0], "fn") && is(&pair[1], name))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_function_makes_an_attribute_panic_or_vanishes(
        options in 0..OPTIONS.len(),
        signature in 0..SIGNATURES.len(),
        bodies in prop::collection::vec(0..BODIES.len(), 1..3),
        in_options in changes(),
        in_item in changes(),
    ) {
        let body: String = bodies.iter().map(|&index| BODIES[index]).collect::<Vec<_>>().join("; ");
        let options = changed(OPTIONS[options], &in_options);
        let item = changed(&format!("{} {{ {body} }}", SIGNATURES[signature]), &in_item);
        let name = match Item::parse(item.clone()) {
            Item::Function(function) => Some(function.signature.ident.to_string()),
            Item::Other(..) | Item::Unreadable(_) => None,
        };
        for attribute in [entry::task, entry::main, entry::test] {
            let expanded = attribute(options.clone(), item.clone());
            if let Some(name) = &name {
                prop_assert!(has_function(expanded, name));
            }
        }
    }

    #[test]
    fn no_body_makes_the_analysis_panic(
        bodies in prop::collection::vec(0..BODIES.len(), 1..3),
        changes in changes(),
    ) {
        let body: String = bodies.iter().map(|&index| BODIES[index]).collect::<Vec<_>>().join("; ");
        let body = changed(&body, &changes);
        let function = quote!(async fn f(a: u32) -> u32 { #body });
        entry::task(quote!(strict, deny(scope_no_guaranteed_checkpoint)), function);
    }

    #[test]
    fn nothing_makes_the_other_macros_panic(tokens in 0..OTHERS.len(), changes in changes()) {
        let tokens = changed(OTHERS[tokens], &changes);
        entry::stray_nursery(&tokens);
        task_output::derive(tokens);
    }
}
