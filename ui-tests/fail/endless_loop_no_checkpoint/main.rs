//! The first task has to be one that can be cancelled, too.

fn step(_: u32) {}

#[trio::main]
async fn main() {
    loop {
        step(1);
    }
}
