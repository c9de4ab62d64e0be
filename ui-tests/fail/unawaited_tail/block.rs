use trio::nursery;
use ui_tests::{child, work};

#[trio::task]
async fn block() -> trio::Result<()> {
    let later = async { child(1) };
    later.await.await;
    nursery!(|n| {
        n.spawn(async {
            work().await;
            work()
        });
        n.spawn(async move { child(2) });
    })?;
    Ok(())
}

#[trio::task]
async fn branches(choice: Option<u32>) -> u32 {
    let block = async {
        match choice {
            Some(1) => child(1),
            Some(number) if number > 1 => {
                work().await;
                child(number)
            }
            _ => child(0),
        }
    };
    block.await.await
}

fn main() {}
