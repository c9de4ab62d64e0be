//! Loops: the bodies are those of ordinary task functions.

use super::expect;

#[test]
fn loops_that_nothing_ends_or_cancels_are_errors() {
    expect(
        "",
        &[
            ("endless", "loop { step(); }"),
            ("endless", "loop {}"),
            ("endless", "while true { step(); }"),
            ("endless", "while (true) { step(); }"),
            ("endless", "while !false { step(); }"),
            ("endless", "while ready() || true { step(); }"),
            ("endless", "for _ in 0.. { step(); }"),
            ("endless", "for i in (start..) { step(i); }"),
            ("endless", "loop { if c { continue } step(); }"),
            ("endless", "'a: loop { while c { continue 'a } }"),
            ("endless", "loop { for x in list { if x { break } } }"),
            ("endless", "loop { while let Some(x) = next() { step(x) } }"),
            ("endless", "loop { 'a: { if c { break 'a } step(); } }"),
            ("endless", "loop { match next() { A => step(), B => {} } }"),
            ("endless", "loop { println!(\"{}\", x); }"),
            ("endless", "loop { let v = vec![a, b]; info!(\"{v:?}\"); }"),
            ("endless", "loop { let x = if c { 1 } else { 2 }; y = x; }"),
            ("endless", "loop { unsafe { step() } }"),
            ("endless", "loop { let both = trio::join!(f(), g()); }"),
            ("endless", "loop { spawn(async { g().await }); }"),
            ("endless", "loop { let g = || h(|| return 1); g(); }"),
            ("endless", "loop { let g = async || { g().await? }; }"),
            ("endless", "loop { const { 1 + 1 }; fn g() { return } }"),
            ("endless", "loop { let Some(x) = f() else { continue }; step(x); }"),
            ("endless", "loop { nursery!(|n| { step()?; }); }"),
            ("endless", "loop { nursery!(|n| { n.cancel(); }); }"),
            ("endless", "loop { async { step(); }.await; }"),
            ("endless", "g().await; loop { step(); }"),
            ("endless", "if c { loop { step(); } } g().await"),
            ("endless", "spawn(async { loop { step(); } })"),
            ("endless", "spawn(async move || loop { step(); })"),
            ("endless", "println!(\"{}\", loop { step(); })"),
            ("endless", "nursery!(|n| { n.spawn(g); loop { step(); } })"),
            ("endless", "n.spawn(async { g().await; loop { step(); } });"),
            ("endless", "loop { loop { step(); } }"),
        ],
    );
}

#[test]
fn loops_that_await_on_every_way_round_pass() {
    expect(
        "",
        &[
            ("", "loop { trio::join!(f(), g()).await; }"),
            ("", "loop { join!(f(), g()); }"),
            ("", "loop { step().await; }"),
            ("", "loop { step(); checkpoint().await }"),
            ("", "while true { step().await; }"),
            ("", "for _ in 0.. { step().await; }"),
            ("", "loop { if c { g().await } else { h().await } }"),
            ("", "loop { match x { A => g().await, B => h().await } }"),
            ("", "loop { match x { A => g().await, B => return, C => panic!() } }"),
            ("", "loop { g().await; if c { continue } step(); }"),
            ("", "loop { while let Some(x) = rx.recv().await { step(x) } }"),
            ("", "loop { while c().await {} }"),
            ("", "loop { for _ in 0..3 { g().await } }"),
            ("", "loop { for x in [a, b] { g(x).await } }"),
            ("", "loop { for x in g().await {} }"),
            ("", "loop { loop { g().await; break } }"),
            ("", "loop { loop { g().await } }"),
            ("", "loop { 'a: { if c { g().await; break 'a } h().await } }"),
            ("", "loop { let Some(x) = g().await else { continue }; step(x); }"),
            ("", "loop { let Some(x) = f() else { g().await; continue }; h(x).await; }"),
            ("", "loop { println!(\"{}\", g().await) }"),
            ("", "loop { let v = vec![g().await]; }"),
            ("", "loop { assert_eq!(g().await, 1); }"),
            ("", "loop { assert!(g().await); }"),
            ("", "loop { if matches!(g().await, Some(_)) { step() } }"),
            ("", "loop { match x { y if g(y).await => 1, _ => h().await } }"),
            ("", "loop { match x { y if g(y).await => 1, _ => 2 } }"),
            ("", "loop { [g().await; 3]; }"),
            ("", "loop { x.y(g().await).z = 1; }"),
            ("", "loop { S { a: g().await, ..d } }"),
            ("", "loop { if g().await && c { continue } }"),
            ("", "loop { if !g().await || c { continue } }"),
            ("", "loop { if let Some(x) = g().await && c { continue } }"),
            ("", "loop { nursery!(|n| { n.spawn(g); }); }"),
            ("", "loop { nursery!(|n| { for x in v { n.spawn(g, x); } })?; }"),
            ("", "loop { nursery!(|n| { v.iter().for_each(|x| n.spawn(g, x)); }); }"),
            ("", "loop { nursery!(|n| { helper(n); }); }"),
            ("", "loop { nursery!(|n| { g().await; }); }"),
            ("", "loop { async { g().await; }.await; }"),
            ("", "loop { move_on_after(d, async { g().await }).await; }"),
            ("", "loop { move_on_after(d, async { loop { g().await } }).await; }"),
            ("", "loop { let r: Result<(), E> = try { g().await?; }; }"),
        ],
    );
}

#[test]
fn loops_that_something_may_end_or_cancel_are_warned_about() {
    expect(
        "",
        &[
            ("maybe", "loop { if c { continue } g().await }"),
            ("maybe", "loop { if done() { return } }"),
            ("maybe", "loop { if c { g().await } }"),
            ("maybe", "loop { if c && g().await { step() } }"),
            ("maybe", "loop { if c || g().await { step() } }"),
            ("maybe", "loop { step()?; }"),
            ("maybe", "loop { let b = buf[i]; if b == b'\\n' { return Ok(i) } i += 1 }"),
            ("maybe", "loop { let Some(x) = next() else { return }; step(x); }"),
            ("maybe", "loop { for x in list { g(x).await } }"),
            ("maybe", "loop { for x in 0..n { g(x).await } }"),
            ("maybe", "loop { while c { g().await } }"),
            ("maybe", "loop { match x { Some(x) => g(x).await, None => {} } }"),
            ("maybe", "loop { match x { Some(x) if g(x).await => 1, _ => 2 } }"),
            ("maybe", "loop { 'a: { if c { break 'a } g().await } }"),
            ("maybe", "loop { let Some(x) = next() else { continue }; g(x).await }"),
            ("maybe", "loop { step(); if broken() { panic!() } }"),
            ("maybe", "loop { match next() { A => step(), B => unreachable!() } }"),
            ("maybe", "loop { assert!(step()); }"),
            ("maybe", "loop { debug_assert!(step()); }"),
            ("maybe", "loop { ensure!(step()); }"),
            ("maybe", "loop { if c { std::process::exit(1) } }"),
            ("maybe", "for i in 0.. { if c { return i } }"),
            ("maybe", "while true { step()?; }"),
            // The inner loop has no `break` of its own, and the outer one awaits.
            ("maybe", "'a: loop { g().await; loop { if c { break 'a } step(); } }"),
            ("maybe", "'a: loop { g().await; loop { if c { continue 'a } step(); } }"),
            ("maybe", "'a: { loop { if c { break 'a } step(); } } g().await"),
            ("maybe", "loop { async { if c { g().await } }.await }"),
            ("maybe", "loop { move_on_after(d, async { if c { g().await } }).await; }"),
            ("maybe", "n.spawn(async { loop { step()?; } });"),
            ("maybe", "loop { let r: Result<(), E> = try { f()?; g().await; }; }"),
            ("maybe", "loop { if a { return } loop { if b { continue } g().await } }"),
            ("maybe maybe", "if c { loop { step()?; } } n.spawn(async { loop { step()?; } });"),
        ],
    );
}

#[test]
fn loops_that_end_by_themselves_pass() {
    expect(
        "",
        &[
            ("", "loop { match it.next() { Some(x) => f(x), None => break } }"),
            ("", "loop { if c { break } if d { return } }"),
            ("", "'a: loop { while c { break 'a } }"),
            ("", "while c { step(); }"),
            ("", "while let Some(x) = next() { step(x); }"),
            ("", "while !done() && true { step(); }"),
            ("", "for x in list { step(x); }"),
            ("", "for i in 0..10 { step(i); }"),
            ("", "for i in ..10 { step(i); }"),
            ("", "let x = loop { if c { break 1 } };"),
            ("", "loop { return }"),
            ("", "loop { panic!() }"),
            ("", "loop { std::process::exit(1) }"),
        ],
    );
}

#[test]
fn what_is_not_certain_passes() {
    expect(
        "",
        &[
            ("", "loop { my_macro!() }"),
            ("", "loop { my_macro!(f) }"),
            ("", "loop { if c { continue } my_macro!(f); }"),
            ("", "loop { while c { my_macro!(f) } }"),
            ("", "loop { tokio::select! { x = a => 1, y = b => 2 } }"),
            ("", "loop { write!(f, x => g().await); }"),
            ("", "loop { #[cfg(unix)] g().await; step(); }"),
            ("", "loop { #[cfg(unix)] { g().await } #[cfg(not(unix))] { h().await } }"),
            ("", "loop { #[cfg(unix)] break; }"),
            ("", "loop { match x { #[cfg(unix)] A => g().await, #[cfg(not(unix))] B => {} } }"),
            ("", "loop { #[cfg(unix)] let x = g().await; step(); }"),
            ("", "loop { S { #[cfg(unix)] a: g().await, b }; }"),
            ("", "#[cfg(unix)] loop { step(); }"),
            ("", "#[cfg(unix)] { spawn(async { loop { step(); } }) }"),
            ("", "loop { info!(\"{}\", g().await); }"),
            ("", "loop { debug_assert!(g().await); }"),
            // What a plain closure does is up to whoever calls it, maybe in another thread.
            ("", "run_in_worker_thread(|| loop { step(); }).await"),
            ("", "fn g() { loop { step(); } } g().await"),
            ("", "return; loop { step(); }"),
            ("", "if false { loop { step(); } }"),
            ("", "loop { g().await } loop { step(); }"),
        ],
    );
    // What is certain stays so beside it.
    expect(
        "",
        &[
            ("endless", "loop { #[cfg(unix)] println!(\"{x}\"); step(); }"),
            ("endless", "loop { match x { A => {}, #[cfg(unix)] B => {} } }"),
            ("maybe", "loop { match x { A => {}, #[cfg(unix)] B => g().await } }"),
        ],
    );
}

#[test]
fn every_loop_can_be_allowed() {
    expect(
        "",
        &[
            ("", "#[trio(allow(endless_loop_no_checkpoint))] loop { step(); }"),
            ("", "#[trio(allow(endless_loop_no_checkpoint))] { loop { step(); } }"),
            ("", "#[trio(allow(endless_loop_no_checkpoint))] let x = loop { step(); };"),
            ("", "#[trio(allow(loop_maybe_no_checkpoint))] loop { step()?; }"),
            ("", "loop { #[trio(allow(endless_loop_no_checkpoint))] while true { step(); } }"),
            ("maybe", "#[trio(allow(endless_loop_no_checkpoint))] loop { step()?; }"),
        ],
    );
    expect("allow(endless_loop_no_checkpoint)", &[("", "loop { step(); }")]);
    expect(
        "allow(loop_maybe_no_checkpoint)",
        &[
            ("", "loop { step()?; }"),
            ("maybe", "#[trio(deny(loop_maybe_no_checkpoint))] loop { step()?; }"),
        ],
    );
}
