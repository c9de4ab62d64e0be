#![deny(warnings)]

use trio::nursery;
use ui_tests::{fetch, work};

#[trio::task]
async fn twins() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(fetch, "a");
        n.spawn(work);
    })?;
    let result = nursery!(|n| {
        n.spawn(work);
        n.spawn(fetch, "b");
    });
    if let Err(group) = result {
        println!("{}", group.len());
        let (_of_io, rest) = group.split::<std::io::Error>();
        if let Some(rest) = rest {
            return Err(rest.into());
        }
    }
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
