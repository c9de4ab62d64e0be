#[trio::task]
async fn nobody() {
    trio::join!().await;
    trio::try_join!().await;
    trio::race!().await;
}

fn main() {}
