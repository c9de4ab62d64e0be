//! Cancel scopes around a literal.

use super::expect;

#[test]
fn scopes_in_which_nothing_can_be_cancelled_are_errors() {
    expect(
        "",
        &[
            ("scope", "move_on_after(d, async { sync_work() }).await"),
            ("scope", "trio::fail_after(d, async move { sync_work() }).await?"),
            ("scope", "let r = trio::move_on_at(t, async || sync_work()).await;"),
            ("scope", "fail_at(t, async { sync_work()? }).await"),
            ("scope", "fail_after(d, async {}).await"),
            ("scope", "let call = fail_after(d, async { 1 });"),
            ("scope", "CancelScope::new().run(async { sync_work() }).await"),
            ("scope", "trio::CancelScope::with_timeout(d).shielded(true).run(async { 1 }).await"),
            ("scope", "move_on_after(d, async { for x in list { step(x) } }).await"),
            ("scope", "move_on_after(d, async { nursery!(|n| {}) }).await"),
            ("scope", "move_on_after(d, async { n.spawn(child); }).await"),
            ("scope", "move_on_after(d, async { let g = async { h().await }; }).await"),
            ("scope", "move_on_after(d, async { return; g().await }).await"),
            ("scope", "move_on_after(g().await, async { sync_work() }).await"),
            // Said once, of the inner one.
            ("scope", "fail_after(d, async { move_on_after(d, async { step() }).await }).await"),
            (
                "scope scope",
                "fail_after(d, async { step() }).await; fail_after(d, async { 1 }).await",
            ),
        ],
    );
}

#[test]
fn scopes_in_which_something_may_be_cancelled_pass() {
    expect(
        "",
        &[
            ("", "move_on_after(d, async { g().await }).await"),
            ("", "move_on_after(d, async || g().await).await"),
            ("", "move_on_after(d, async { if c { g().await } }).await"),
            ("", "move_on_after(d, async { my_macro!(g) }).await"),
            ("", "move_on_after(d, async { #[cfg(unix)] g().await; }).await"),
            ("", "move_on_after(d, async { nursery!(|n| { n.spawn(g); }) }).await"),
            ("", "move_on_after(d, async { nursery!(|n| helper(n)) }).await"),
            ("", "fail_after(d, async { move_on_after(d, async { g().await }).await }).await"),
            ("", "fail_after(d, async { println!(\"{}\", g().await) }).await"),
            ("", "move_on_after(d, work).await"),
            ("", "move_on_after(d, || work(1)).await"),
            ("", "move_on_after(d, async { panic!() }).await"),
            ("", "move_on_after(d, async { todo!() }).await"),
            ("", "shield(async { sync_work() }).await"),
            ("", "finally(async { g().await }, async { sync_work() }).await"),
            ("", "job.run(async { sync_work() }).await"),
            (
                "",
                "#[trio(allow(scope_without_checkpoint))] move_on_after(d, async { step() }).await",
            ),
        ],
    );
}

#[test]
fn scopes_that_may_miss_a_point_are_errors_where_they_are_denied() {
    const UNSURE: &str = "fail_after(d, async || { if c { g().await } }).await";
    expect("", &[("", UNSURE)]);
    expect(
        "deny(scope_no_guaranteed_checkpoint)",
        &[
            ("unsure", UNSURE),
            ("unsure", "fail_after(d, async { while c { g().await } }).await"),
            ("unsure", "fail_after(d, async { if c { return } g().await }).await"),
            ("", "fail_after(d, async { if c { g().await } else { h().await } }).await"),
            ("", "fail_after(d, async { if c { return Err(e) } g().await }).await"),
            ("", "fail_after(d, async { move_on_after(d, async { g().await }).await }).await"),
            ("", "fail_after(d, async { f()?; g().await }).await"),
            ("", "fail_after(d, async { loop { g().await } }).await"),
            ("", "fail_after(d, async { my_macro!() }).await"),
            (
                "",
                "#[trio(allow(scope_no_guaranteed_checkpoint))] \
                 fail_after(d, async { if c { g().await } }).await",
            ),
        ],
    );
}
