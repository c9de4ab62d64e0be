#![deny(warnings)]
#![allow(dead_code)]

#[trio::task]
async fn empty() {}

#[trio::task]
async fn unfinished() -> u32 {
    todo!()
}

trait Serve {
    #[trio::task]
    async fn serve(&self) -> u32;
}

impl Serve for u32 {
    #[trio::task]
    async fn serve(&self) -> u32 {
        *self
    }
}

#[trio::task(allow(never_awaits))]
async fn allowed() -> u32 {
    1
}

fn main() {
    trio::run(empty);
    trio::run(allowed);
}
