//! Where the macro does not know that it is a nursery, the types do.

use ui_tests::{child, work};

struct Pool<'a> {
    nursery: trio::Nursery<'a>,
}

#[trio::task]
async fn awaited(pool: Pool<'_>) {
    pool.nursery.spawn(|| child(1)).await;
    work().await;
}

fn main() {}
