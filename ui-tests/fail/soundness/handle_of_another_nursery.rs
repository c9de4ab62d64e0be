//! What an inner nursery's children may borrow is not for the outer nursery's, however its handle
//! comes there.
use std::cell::Cell;

use trio::{Nursery, nursery};

#[trio::task]
async fn read(text: &str) {
    trio::lowlevel::checkpoint().await;
    println!("{text}");
}

#[trio::task]
async fn under_one_name() -> trio::Result<()> {
    nursery!(|outer| {
        let text = String::from("a");
        nursery!(|inner| {
            let n: Nursery<'_> = if std::env::args().len() > 1 { inner } else { outer };
            n.spawn(read, &text);
        })?;
    })?;
    Ok(())
}

#[trio::task]
async fn through_a_cell() -> trio::Result<()> {
    let place = Cell::new(None);
    nursery!(|outer| {
        place.set(Some(outer));
        let text = String::from("a");
        let n: Nursery<'_> = place.get().unwrap();
        n.spawn(read, &text);
    })?;
    Ok(())
}

#[trio::task]
async fn returned() -> trio::Result<()> {
    let n: Nursery<'_> = nursery!(|n| n)?;
    {
        let text = String::from("a");
        n.spawn(read, &text);
    }
    n.cancel();
    Ok(())
}

fn main() {}
