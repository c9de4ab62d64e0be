use ui_tests::child;

#[trio::task]
async fn block(choice: bool) {
    async { child(1).await };
    if choice {
        async move {
            child(2).await;
        };
    }
    child(3).await;
}

fn main() {}
