#![deny(warnings)]
#![allow(dead_code)]

trait Program {
    #[trio::task]
    async fn start(&self);
}

fn main() {}
