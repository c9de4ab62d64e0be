#![deny(warnings)]

use ui_tests::{child, compute, work};

struct Holder {
    text: String,
}

#[trio::task]
async fn twins(holder: Holder) -> Holder {
    let _ = child(1).await;
    _ = child(2).await;
    let _ = compute(1);
    let _ = "1".parse::<u32>();
    let _ = holder.text;
    let _ = Some(1);
    let call = child(3);
    let _ = &call;
    call.await;
    #[trio(allow(unawaited_let_underscore))]
    let _ = child(4);
    work().await;
    holder
}

fn main() {
    trio::run(|| twins(Holder { text: String::new() }));
}
