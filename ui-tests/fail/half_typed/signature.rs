use ui_tests::work;

#[trio::task]
async fn typing(count: ) {
    work().await;
}

fn main() {}
