use std::cell::RefCell;

use trio::{Nursery, nursery};
use ui_tests::{greet, work};

#[trio::task]
async fn kept() -> trio::Result<()> {
    let kept: RefCell<Option<Nursery<'static>>> = RefCell::new(None);
    let name = String::from("a");
    nursery!(|n| {
        n.spawn(greet, &name);
        kept.replace(Some(n));
    })?;
    Ok(())
}

#[trio::task]
async fn given_to_a_thread() -> trio::Result<()> {
    nursery!(|n| {
        std::thread::scope(|scope| {
            scope.spawn(move || n.cancel());
        });
        n.spawn(work);
    })?;
    Ok(())
}

fn main() {}
