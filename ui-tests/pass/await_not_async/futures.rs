#![deny(warnings)]
//! Whatever is a future, or becomes one, is awaited.

use std::future::{IntoFuture, Ready, ready};

use ui_tests::{child, compute, plain};

struct Request;

impl IntoFuture for Request {
    type Output = u32;
    type IntoFuture = Ready<u32>;

    fn into_future(self) -> Ready<u32> {
        ready(3)
    }
}

#[trio::task]
async fn generic<F: Future<Output = u32>>(future: F) -> u32 {
    future.await
}

#[trio::task]
async fn futures() -> u32 {
    let value = compute(1);
    let block = async { child(value).await };
    let boxed: std::pin::Pin<Box<dyn Future<Output = u32>>> = Box::pin(plain(1));
    block.await + ready(1).await + Request.await + boxed.await + generic(plain(2)).await
}

fn main() {
    assert_eq!(trio::run(futures), 2 + 1 + 3 + 1 + 2);
}
