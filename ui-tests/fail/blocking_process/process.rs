#![deny(warnings)]

use std::process::Command;

use ui_tests::work;

#[trio::task]
pub async fn blocking() -> trio::Result<()> {
    Command::new("true").arg("a").output()?;
    std::process::Command::new("true").status()?;
    Command::new("true").spawn()?.wait()?;
    work().await;
    Ok(())
}

fn main() {}
