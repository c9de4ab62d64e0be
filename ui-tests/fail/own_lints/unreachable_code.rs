#![deny(warnings)]

use ui_tests::{child, work};

#[trio::task]
async fn after_return() -> u32 {
    work().await;
    return 1;
    work().await;
    2
}

#[trio::task]
async fn after_endless_loop() {
    loop {
        work().await;
    }
    println!("never");
}

#[trio::task]
async fn after_panic(number: u32) -> u32 {
    if number == 0 {
        panic!("zero");
        child(1).await;
    }
    match child(number).await {
        1 => 1,
        _ => 2,
        3 => 3,
    }
}

#[trio::task]
async fn in_an_argument() {
    child(return).await;
}

#[trio::main]
async fn main() {
    after_return().await;
    in_an_argument().await;
    after_panic(1).await;
    after_endless_loop().await;
}
