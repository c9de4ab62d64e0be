//! What is behind the macros is out of reach for safe code.
#![forbid(unsafe_code)]

use trio::__private::{Call, NurseryGuard, Operand, Site};

static SITE: Site = Site::nursery("", 0, 0, "");

#[trio::task]
async fn greet() {
    trio::lowlevel::checkpoint().await;
}

fn main() {
    let _ = Operand(greet()).enter(&SITE);
    let _ = Call::new(async {});
    let guard = unsafe { NurseryGuard::new(&SITE) };
    guard.open();
}
