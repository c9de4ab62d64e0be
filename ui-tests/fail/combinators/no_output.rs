use trio::try_join;
use ui_tests::{fetch, work};

struct Page;

#[trio::task]
async fn page() -> Page {
    work().await;
    Page
}

#[trio::task]
async fn no_output_of_a_task() -> trio::Result<()> {
    try_join!(fetch("a"), page()).await?;
    Ok(())
}

fn main() {}
