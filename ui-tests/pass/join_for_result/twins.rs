#![deny(warnings)]

use trio::{Outcome, nursery};
use ui_tests::child;

#[trio::task]
async fn twins() -> trio::Result<()> {
    let handles = nursery!(|n| {
        let first = n.spawn(child, 1);
        first.wait().await;
        let watched = n.spawn_monitored(child, 2);
        assert!(matches!(watched.outcome().await, Outcome::Ok(2)));
        vec![first, n.spawn(child, 3)]
    })?;
    let values: Vec<_> = handles.iter().filter_map(trio::TaskHandle::take).collect();
    assert_eq!(values, [1, 3]);
    assert_eq!(["a", "b"].join(","), "a,b");
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
