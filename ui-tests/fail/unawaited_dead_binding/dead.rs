use ui_tests::{child, work};

#[trio::task]
async fn dead(choice: bool) {
    let _job = child(1);
    if choice {
        let _other = async { work().await };
    }
    work().await;
}

fn main() {}
