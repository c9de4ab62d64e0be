//! A macro that puts the tokens of a task into a frame of its own would get a plain future around the
//! task's. It does not compile.
use trio::nursery;

macro_rules! in_a_block {
    ($($tokens:tt)*) => {
        async { $($tokens)* }
    };
}

macro_rules! in_a_closure {
    ($expression:expr) => {
        || $expression
    };
}

macro_rules! in_an_async_closure {
    ($expression:expr) => {
        async || $expression
    };
}

#[trio::task]
async fn read(text: &str) {
    trio::lowlevel::checkpoint().await;
    println!("{text}");
}

#[trio::task]
async fn an_await() {
    let text = String::from("a");
    let future = in_a_block!(read(&text).await);
    future.await;
}

#[trio::task(allow(useless_nursery))]
async fn a_nursery() {
    let text = String::from("a");
    let future = in_a_block!(nursery!(|n| {
        n.spawn(read, &text);
    }));
    future.await.unwrap();
}

#[trio::task]
async fn a_closure() {
    let text = String::from("a");
    in_a_closure!(read(&text).await)();
}

#[trio::task]
async fn an_async_closure() {
    let text = String::from("a");
    let closure = in_an_async_closure!(read(&text).await);
    closure().await;
}

fn main() {}
