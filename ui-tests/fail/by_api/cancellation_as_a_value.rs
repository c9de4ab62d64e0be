//! A cancellation is no error that could be caught, swallowed or replaced.

use std::time::Duration;

use ui_tests::fetch;

#[trio::task]
async fn caught() -> trio::Result<()> {
    if let Err(error) = fetch("a").await {
        if error.is::<trio::Cancelled>() {
            return Ok(());
        }
    }
    Ok(())
}

#[trio::task]
async fn asked() {
    let page = trio::move_on_after(Duration::from_secs(1), async { fetch("a").await }).await;
    match page {
        Some(Ok(_)) | None => {}
        Some(Err(trio::Error::Cancelled)) => {}
        Some(Err(_)) => {}
    }
}

fn main() {}
