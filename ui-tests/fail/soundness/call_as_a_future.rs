//! A task's frame is never handed out: what calls and blocks give is no future.
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use trio::nursery;

#[trio::task]
async fn read(text: &str) {
    trio::lowlevel::checkpoint().await;
    println!("{text}");
}

fn polled(text: &str) {
    let mut call = pin!(read(text));
    let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
}

fn a_trait_object(text: &str) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(read(text))
}

async fn awaited_elsewhere(text: &str) {
    read(text).await;
}

#[trio::task(allow(useless_nursery))]
async fn blocks() {
    let text = String::from("a");
    let mut block = Box::pin(async {
        let _ = nursery!(|n| {
            n.spawn(read, &text);
        });
    });
    poll_fn(|cx| block.as_mut().poll(cx)).await;
}

#[trio::task]
async fn closures() {
    let chat = async |text: &str| read(text).await;
    let mut call = Box::pin(chat("a"));
    poll_fn(|cx| call.as_mut().poll(cx)).await;
}

#[trio::task]
async fn scopes(text: &str) {
    let scope = trio::CancelScope::new();
    let future = IntoFuture::into_future(scope.run(|| read(text)));
    future.await;
}

fn main() {}
