use ui_tests::child;

#[trio::task]
async fn collections() {
    (child(1), child(2));
    [child(3), child(3)];
    Box::new(child(4));
    Box::pin(child(5));
    child(6).await;
}

fn main() {}
