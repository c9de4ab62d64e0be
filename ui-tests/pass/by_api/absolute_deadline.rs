#![deny(warnings)]

use std::time::Duration;

use ui_tests::work;

#[trio::task]
async fn made_from_the_clock() -> trio::Result<()> {
    let deadline = trio::current_time() + Duration::from_secs(5);
    trio::fail_at(deadline, work).await?;
    trio::fail_after(Duration::from_secs(5), work).await?;
    Ok(())
}

fn main() {
    trio::run(made_from_the_clock).unwrap();
}
