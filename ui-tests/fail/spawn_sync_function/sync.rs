use trio::{Nursery, TaskStatus, nursery};
use ui_tests::compute;

#[trio::task]
async fn sync() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(compute, 1);
        n.spawn(|| compute(2));
        n.spawn(nothing);
        n.spawn(drop, 3);
        n.spawn(|number| compute(number), 4);
        n.spawn_named("five", |number: u32| number, 5);
        n.start(|_: TaskStatus<u32>| compute(6)).await?;
        n.start(status_only).await?;
        n.cancel();
    })?;
    Ok(())
}

fn nothing() {}

fn status_only(status: TaskStatus<u32>) {
    status.started(1);
}

fn in_a_helper(n: Nursery<'_>) {
    n.spawn(|| compute(4));
}

fn main() {
    trio::run(|| 1);
}
