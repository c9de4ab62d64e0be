use trio::nursery;
use ui_tests::work;

#[trio::task]
async fn forms() -> trio::Result<()> {
    nursery!({ work().await })?;
    nursery!()?;
    nursery!(|| work().await)?;
    nursery!(|n, m| n.spawn(work, m))?;
    nursery!(async |n| n.spawn(work))?;
    nursery!(move |n| n.spawn(work))?;
    nursery!(|(n, m)| n.spawn(work, m))?;
    work().await;
    Ok(())
}

fn main() {}
