#![deny(warnings)]

#[trio::task]
pub(crate) async unsafe fn unsafely() {
    ui_tests::work().await;
}

#[trio::task]
async fn slice(args: &[u32]) -> usize {
    ui_tests::work().await;
    args.len()
}

#[trio::task]
async fn all() {
    // SAFETY: it asks for nothing.
    unsafe { unsafely() }.await;
    slice(&[1]).await;
}

fn main() {
    trio::run(all);
}
