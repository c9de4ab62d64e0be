//! A frame cannot hold itself: the compiler says so.

#[trio::task]
async fn factorial(number: u64) -> u64 {
    trio::lowlevel::checkpoint().await;
    match number {
        0 => 1,
        _ => number * factorial(number - 1).await,
    }
}

fn main() {}
