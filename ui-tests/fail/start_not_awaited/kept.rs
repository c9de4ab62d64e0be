use trio::Nursery;
use ui_tests::serve;

#[trio::task]
async fn start(n: Nursery<'_>) -> trio::Result<()> {
    let _ = n.start(serve, 80);
    let _port = n.start(serve, 81);
    let port = n.start(serve, 82)?;
    drop(n.start(serve, port));
    ui_tests::work().await;
    Ok(())
}

fn main() {}
