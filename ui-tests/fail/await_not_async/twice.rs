use ui_tests::child;

#[trio::task]
async fn twice() {
    let call = child(1);
    call.await;
    call.await;
}

fn main() {}
