//! Strict functions: every way out needs a cancellation point.

use super::expect;

#[test]
fn ways_out_without_a_point_are_errors() {
    expect(
        "strict",
        &[
            ("path", "if hit { return 1 } g().await"),
            ("path", "step();"),
            ("path", "1 + 1"),
            ("path", "Ok(1)"),
            ("path", "if c { g().await }"),
            ("path", "if c { g().await } else { 1 }"),
            ("path", "if c { g().await; } else { step(); }"),
            ("path", "match x { A => g().await, B => 1 }"),
            ("path", "match x { A => g().await, B => {} }"),
            ("path path", "match x { A => 1, B => return 2 }"),
            ("path", "let Some(x) = f() else { return None }; g(x).await"),
            ("path", "while c { g().await }"),
            ("path", "while let Some(x) = next() { g(x).await }"),
            ("path", "for x in list { g(x).await }"),
            ("path", "for x in [] { g(x).await }"),
            ("path", "loop { if c { break } g().await }"),
            ("path", "let x = loop { if c { break 1 } g().await }; x"),
            ("path", "'a: { if c { break 'a 1 } g().await }"),
            ("path", "if c { return Ok(()) } g().await"),
            ("path", "if c { return None } g().await"),
            ("path", "return if c { g().await } else { 1 };"),
            ("path", "return match x { A => g().await, B => 1 };"),
            ("path", "c && g().await"),
            ("path", "if c && g().await { 1 } else { 2 }"),
            ("path", "if c || g().await { 1 } else { 2 }"),
            ("path", "match x { A if g().await => 1, _ => 2 }"),
            ("path", "let g = async { h().await };"),
            ("path", "let g = || h(); g()"),
            ("path", "assert!(c, \"{}\", g().await);"),
            ("path", "let _ = stringify!(g().await);"),
            ("path", "nursery!(|n| { step(); })"),
            ("path", "nursery!(|n| {})?"),
            ("path", "async { step() }.await"),
            ("path", "Some(Err(e))"),
            ("path", "println!(\"done\")"),
            ("path", "my::println! { \"done\" }"),
            ("path", "unsafe { 1 }"),
            ("path", "let r = try { f()?; g().await };"),
        ],
    );
}

#[test]
fn ways_out_with_a_point_pass() {
    expect(
        "strict",
        &[
            ("", "g().await"),
            ("", "g().await; if hit { return 1 } 2"),
            ("", "if c { g().await } else { h().await }"),
            ("", "if c { g().await } else if d { h().await } else { return k().await }"),
            ("", "return g().await"),
            ("", "return Ok(g().await)"),
            ("", "f(g().await)"),
            ("", "x.f(1, g().await)"),
            ("", "match x { A => g().await, B => h().await }"),
            ("", "match g().await { A => 1, B => 2 }"),
            ("", "match x { A if g().await => 1, _ => h().await }"),
            ("", "match x { y if g(y).await => 1, _ => 2 }"),
            ("", "let Some(x) = g().await else { return None }; x"),
            ("", "while let Some(x) = rx.recv().await { step(x) }"),
            ("", "while g().await {}"),
            ("", "for x in 0..3 { g(x).await }"),
            ("", "for x in [a, b] { g(x).await }"),
            ("", "for x in &vec![a] { g(x).await }"),
            ("", "for x in [1, 2] { if c { continue } }; g().await"),
            ("", "loop { g().await; if c { break } }"),
            ("", "let x = loop { g().await; if c { break 1 } }; x"),
            ("", "'a: { if c { g().await; break 'a 1 } h().await }"),
            ("", "if c && g().await { return 1 } g().await"),
            ("", "if !(c && g().await) { h().await; } 1"),
            ("", "if c || !g().await { k().await; } 1"),
            ("", "if let Some(x) = f() && g(x).await { return 1 } h().await"),
            ("", "if let Some(x) = g().await && c { return 1 } 2"),
            ("", "assert!(g().await);"),
            ("", "assert_eq!(1, g().await);"),
            ("", "println!(\"{}\", g().await)"),
            ("", "vec![g().await; 3]"),
            ("", "matches!(g().await, Some(x) if x > 1)"),
            ("", "dbg!(g().await)"),
            ("", "unsafe { g().await }"),
            ("", "(g().await, 1)"),
            ("", "async { g().await }.await"),
            ("", "nursery!(|n| { n.spawn(g); })"),
            ("", "nursery!(|n| { if c { n.spawn(g); } })?; 1"),
            ("", "nursery!(|n| { g().await; })"),
            ("", "nursery!(|n| { n.spawn(g); f()?; }).ok()"),
            ("", "move_on_after(d, async { g().await }).await"),
            ("", "move_on_after(d, work).await"),
        ],
    );
}

#[test]
fn errors_and_panics_before_the_first_point_pass() {
    expect(
        "strict",
        &[
            ("", "if c { return Err(e) } g().await"),
            ("", "if c { return Err::<u8, _>(e) } g().await"),
            ("", "if c { return Result::Err(e) } g().await"),
            ("", "if c { return (Err(e)) } g().await"),
            ("", "f()?; g().await"),
            ("", "Err(e)"),
            ("", "if c { Err(e) } else { g().await }"),
            ("", "match x { A => Err(e), B => { step(); Err(e) } C => g().await }"),
            ("", "return if c { Err(e) } else { g().await };"),
            ("", "if c { panic!(\"{}\", x) } g().await"),
            ("", "if c { todo!() } g().await"),
            ("", "if c { bail!(\"no\") } g().await"),
            ("", "ensure!(c, \"no\"); g().await"),
            ("", "if c { std::process::exit(1) } g().await"),
            ("", "let Some(x) = f() else { unreachable!() }; g(x).await"),
            ("", "let Some(x) = f() else { return Err(e) }; g(x).await"),
            ("", "match x { A => g().await, B => panic!() }"),
            ("", "loop { g().await }"),
            ("", "match never {}"),
            ("", "assert!(false)"),
        ],
    );
}

#[test]
fn stubs_and_what_cannot_be_read_pass() {
    expect(
        "strict",
        &[
            ("", ""),
            ("", "todo!()"),
            ("", "unimplemented!(\"later\")"),
            ("", "my_macro!(f)"),
            ("", "my_macro! { f }"),
            ("", "if c { my_macro!(f); return 1 } g().await"),
            ("", "let Some(x) = f() else { my_bail!() }; g(x).await"),
            ("", "#[cfg(unix)] g().await; 1"),
            ("", "#[cfg(unix)] { return 1 } #[cfg(not(unix))] { g().await }"),
            ("", "#[cfg(unix)] { 1 } #[cfg(not(unix))] { 2 }"),
            ("", "#[cfg(unix)] return 1; g().await"),
            ("", "'a: { #[cfg(unix)] break 'a; g().await; }"),
            ("", "match x { A => g().await, #[cfg(unix)] B => 1 }"),
            ("", "f(#[cfg(unix)] g().await)"),
            ("", "#[trio(allow(no_checkpoint_on_path))] return 1;"),
            ("", "if c { #[trio(allow(no_checkpoint_on_path))] return 1; } g().await"),
        ],
    );
}

#[test]
fn only_strict_functions_are_asked() {
    expect("", &[("", "if hit { return 1 } g().await"), ("", "step();")]);
    expect("strict, allow(no_checkpoint_on_path)", &[("", "step();")]);
    // What is given away has ways of its own.
    expect("strict", &[("", "n.spawn(async { if c { return } g().await }); g().await")]);
}
