use trio::nursery;
use ui_tests::child;

#[trio::task]
async fn bound_before() -> trio::Result<()> {
    let call = child(1);
    nursery!(|n| {
        n.spawn(call);
        n.cancel();
    })?;
    Ok(())
}

fn main() {}
