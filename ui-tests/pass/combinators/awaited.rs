#![deny(warnings, clippy::pedantic)]

use std::time::Duration;

use trio::{TaskOutput, gather, join, nursery, race, try_gather, try_join};
use ui_tests::{child, fetch, greet, plain, work};

#[trio::task]
async fn awaited(limit: Duration) -> trio::Result<usize> {
    let name = String::from("name");
    let (number, length, ()) = join!(child(1), greet(&name), work()).await;
    let (page, other) = try_join!(fetch(&name), fetch("other")).await?;
    let first = race!(child(1), child(2), plain(3)).await;
    let replied = race!(fetch("a"), fetch("b")).await?;
    let lengths = gather(2, ["a", "b"].into_iter().map(greet)).await;
    let pages = try_gather(4, [&page, &other].map(|page| fetch(page))).await?;
    let _: (u32, Option<()>) = join!(plain(4), trio::move_on_after(limit, work)).await;
    println!("{:?} {number} {first} {replied} {pages:?}", join!(child(1), child(2)).await);
    assert_eq!(join!(child(1)).await, (1,));
    Ok(length + lengths.len())
}

#[trio::task]
async fn given_on() -> trio::Result<()> {
    let both = join!(child(1), child(2));
    nursery!(|n| {
        n.spawn(|| join!(child(1), child(2)));
        n.spawn(async { race!(child(1), child(2)).await });
    })?;
    both.await;
    Ok(())
}

#[trio::task]
async fn as_the_value() -> (u32, u32) {
    join!(child(1), child(2)).await
}

#[trio::task]
async fn nested() {
    join!(join!(work(), work()), async {
        let _ = race!(child(1), child(2)).await;
    })
    .await;
}

#[trio::task]
async fn generic<T, E>(one: fn() -> trio::Result<T, E>) -> trio::Result<(T, u32)>
where
    E: Into<trio::Error>,
{
    let call = async {
        work().await;
        one()
    };
    Ok(try_join!(call, child(1)).await?)
}

#[derive(TaskOutput)]
pub enum Reply {
    Length(usize),
    Late,
}

#[trio::task]
pub async fn reply(name: &str, limit: Duration) -> Reply {
    race!(async { Reply::Length(greet(name).await) }, async {
        trio::sleep(limit).await;
        Reply::Late
    })
    .await
}

/// Macros of others with these names are theirs.
mod futures {
    macro_rules! join {
        ($($tokens:tt)*) => {
            (1, 2)
        };
    }
    pub(crate) use join;
}

#[trio::task]
async fn others() -> u32 {
    let _ = futures::join!(work());
    let (a, b) = futures::join!(work(), work());
    work().await;
    a + b
}

fn main() {
    trio::run(|| join!(others(), nested()));
    let _ = trio::run(given_on);
    let _ = trio::run(as_the_value);
    let _ = trio::run(|| awaited(Duration::from_secs(1)));
    let _ = trio::run(|| generic(|| Ok::<u32, std::io::Error>(1)));
    if let Reply::Length(length) = trio::run(|| reply("name", Duration::from_secs(9))) {
        assert_eq!(length, 4);
    }
}
