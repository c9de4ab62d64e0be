#![deny(warnings)]

use ui_tests::work;

#[trio::task]
pub async fn outer() {
    async fn inner() {}
    work().await;
    inner().await;
    struct Inner;
    impl Inner {
        async fn method(&self) {}
    }
    Inner.method().await;
}

fn main() {}
