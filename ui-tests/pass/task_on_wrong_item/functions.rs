#![deny(warnings)]

mod inner {
    #[trio::task]
    pub async fn work() {
        ui_tests::work().await;
    }
}

#[cfg_attr(all(), trio::task)]
async fn under_a_condition() {
    inner::work().await;
}

fn main() {
    trio::run(under_a_condition);
}
