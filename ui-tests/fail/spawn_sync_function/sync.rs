use trio::{Nursery, nursery};
use ui_tests::compute;

#[trio::task]
async fn sync() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(compute, 1);
        n.spawn(|| compute(2));
        n.spawn(drop, 3);
        n.cancel();
    })?;
    Ok(())
}

fn in_a_helper(n: Nursery<'_>) {
    n.spawn(|| compute(4));
}

fn main() {
    trio::run(|| 1);
}
