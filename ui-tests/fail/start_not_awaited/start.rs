use trio::{Nursery, nursery};
use ui_tests::serve;

#[trio::task]
async fn start(n: Nursery<'_>) {
    n.start(serve, 80);
    ui_tests::work().await;
}

#[trio::task]
async fn in_a_closure() -> trio::Result<()> {
    nursery!(|n| {
        [80, 81].into_iter().for_each(|port| {
            n.start(serve, port);
        });
        n.cancel();
    })?;
    Ok(())
}

fn main() {}
