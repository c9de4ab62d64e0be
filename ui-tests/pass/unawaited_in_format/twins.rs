#![deny(warnings)]

use std::fmt::Write;

use ui_tests::{child, compute};

#[trio::task]
async fn twins() -> trio::Result<()> {
    println!("{}", child(1).await);
    println!("{} {:?}", compute(1), String::from("a").as_str());
    let mut numbers = Vec::new();
    println!("{:?}", numbers.pop().unwrap_or_default());
    numbers.push(1u8);
    let mut out = String::new();
    write!(out, "{number} {}", std::rc::Rc::new(1).as_ref(), number = child(2).await)?;
    println!("{out} {call:?}", call = child(3).await);
    #[trio(allow(unawaited_in_format))]
    println!("{:?}", child(4));
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
