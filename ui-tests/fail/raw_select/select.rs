#![deny(warnings)]

use ui_tests::work;

mod tokio {
    macro_rules! select {
        ($($tokens:tt)*) => {};
    }
    pub(crate) use select;
}

#[trio::task]
pub async fn raw() {
    work().await;
    tokio::select! {
        _ = work() => {}
        _ = work() => {}
    }
}

fn main() {}
