//! `async` blocks, task closures and scopes.

use std::future::ready;
use std::time::Duration;

use trio::{CancelScope, fail_after, finally, move_on_after, shield};

const SECOND: Duration = Duration::from_secs(1);

#[trio::task]
async fn blocks(name: &str) -> usize {
    let length = async { ready(name.len()).await };
    let moved = async move {
        trio::sleep(SECOND).await;
        name.len()
    };
    length.await + moved.await
}

#[trio::task]
async fn closures() -> u32 {
    let offset = 1;
    let add = async |number: u32| ready(number + offset).await;
    let plain = |number: u32| number + offset;
    add(1).await + plain(2)
}

#[trio::task]
async fn scopes() -> trio::Result<u32> {
    let timely = fail_after(SECOND, async { ready(1).await }).await?;
    let late = move_on_after(SECOND, trio::sleep_forever).await;
    assert!(late.is_none());
    let scope = CancelScope::new();
    let value = scope.run(async { ready(2).await }).await.unwrap_or_default();
    let shielded = shield(async { ready(3).await }).await;
    let cleaned = finally(async { ready(4).await }, async { trio::sleep(SECOND).await }).await;
    Ok(timely + value + shielded + cleaned)
}

#[trio::task]
pub(crate) async fn all() -> trio::Result<()> {
    assert_eq!(blocks("name").await, 8);
    assert_eq!(closures().await, 5);
    assert_eq!(scopes().await?, 10);
    Ok(())
}
