#[trio::task(deny(useless_nursery))]
pub async fn denied() -> trio::Result<()> {
    trio::nursery!(|n| {
        n.spawn(ui_tests::work);
    })?;
    Ok(())
}

fn main() {}
