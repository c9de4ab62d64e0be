#![deny(warnings)]

#[trio::task(boxed)]
async fn task(depth: u32) -> u32 {
    if depth == 0 {
        return ui_tests::child(0).await;
    }
    task(depth - 1).await + 1
}

fn main() {
    assert_eq!(trio::run(|| task(3)), 3);
}
