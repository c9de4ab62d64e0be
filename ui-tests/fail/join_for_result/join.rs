use trio::{Nursery, nursery};
use ui_tests::child;

#[trio::task]
async fn join() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(child, 1).join();
        let handle = n.spawn(child, 2);
        let _value = handle.join().await;
    })?;
    Ok(())
}

fn in_a_helper(n: Nursery<'_>) {
    let handles: Vec<_> = (0..3).map(|number| n.spawn(move || child(number))).collect();
    for handle in handles {
        handle.join();
    }
}

fn main() {}
