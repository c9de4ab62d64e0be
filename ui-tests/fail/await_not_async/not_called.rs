use std::time::Duration;

#[trio::task]
async fn not_called() {
    trio::sleep.await;
    trio::sleep(Duration::from_millis(1)).await;
}

fn main() {}
