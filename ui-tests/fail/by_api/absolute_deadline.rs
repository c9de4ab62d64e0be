//! There is no point in time that is not made from the clock.

use trio::Instant;

#[trio::task]
async fn made_of_nothing() -> trio::Result<()> {
    trio::fail_at(Instant::from_nanos(5), ui_tests::work).await?;
    trio::fail_at(Instant::default(), ui_tests::work).await?;
    trio::fail_at(5.0, ui_tests::work).await?;
    Ok(())
}

const DEADLINE: Instant = trio::current_time();

fn main() {}
