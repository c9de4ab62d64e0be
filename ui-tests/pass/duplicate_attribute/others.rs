#![deny(warnings)]

#[trio::test]
#[ignore = "an example"]
#[should_panic(expected = "on purpose")]
async fn test() {
    ui_tests::work().await;
    panic!("on purpose");
}

/// Documented.
#[must_use]
#[inline]
#[trio::task]
async fn task() -> u32 {
    ui_tests::child(1).await
}

fn main() {
    assert_eq!(trio::run(task), 1);
}
