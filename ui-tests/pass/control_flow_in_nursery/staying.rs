#![deny(warnings)]

use trio::nursery;
use ui_tests::{child, fetch, work};

#[trio::task]
async fn staying(choice: Option<u32>) -> trio::Result<u32> {
    for number in 0..3 {
        nursery!(|n| {
            n.spawn(child, number);
            fetch("a").await?;
            for inner in 0..3 {
                if inner == 1 {
                    continue;
                }
                if choice.is_some() {
                    break;
                }
                n.spawn(work);
            }
            let double = |number: u32| {
                return number * 2;
            };
            n.spawn(async move {
                if number == 1 {
                    return;
                }
                child(double(number)).await;
            });
        })?;
    }
    Ok(1)
}

fn main() {
    trio::run(|| staying(None)).unwrap();
}
