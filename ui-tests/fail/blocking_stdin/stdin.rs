#![deny(warnings)]

use std::io::{BufRead, Read, stdin};

use ui_tests::work;

#[trio::task]
pub async fn blocking() -> trio::Result<usize> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    stdin().lock().read_to_string(&mut line)?;
    for line in stdin().lock().lines() {
        println!("{}", line?);
    }
    work().await;
    Ok(std::io::read_to_string(stdin())?.len())
}

fn main() {}
