use ui_tests::{child, work};

#[trio::task(allow(), bo, crate = )]
async fn typing() {
    #[trio(allow())]
    let wrong: String = child(1).await;
    #[trio()]
    work().await;
    #[trio]
    work().await;
}

#[trio::main(,)]
async fn main() {
    typing().await;
}
