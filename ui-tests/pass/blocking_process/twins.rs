#![deny(warnings)]

use ui_tests::work;

struct Command;

impl Command {
    fn new(_: &str) -> Self {
        Self
    }

    fn spawn(&self) -> u32 {
        1
    }

    async fn output(&self) -> u32 {
        2
    }
}

#[trio::task]
async fn twins() -> u32 {
    work().await;
    Command::new("a").spawn() + Command::new("b").output().await
}

fn main() {
    assert_eq!(trio::run(twins), 3);
}
