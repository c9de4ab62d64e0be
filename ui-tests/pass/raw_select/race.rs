#![deny(warnings)]

use ui_tests::{child, fetch, work};

/// They take calls and give something to await.
macro_rules! race {
    ($($call:expr),* $(,)?) => { ui_tests::started(($($call,)*)) };
}

macro_rules! join {
    ($($call:expr),* $(,)?) => { ui_tests::started(($($call,)*)) };
}

macro_rules! try_join {
    ($($call:expr),* $(,)?) => { ui_tests::started(($($call,)*)) };
}

#[trio::task]
async fn together(urls: &[&str]) -> trio::Result<()> {
    race!(child(1), child(2)).await;
    join!(work(), async { child(3).await }, child(child(4).await)).await;
    let _ = try_join!(fetch("a"), fetch("b")).await;
    for url in urls {
        match join!(fetch(url), work()).await {
            () => {}
        }
    }
    loop {
        race!(work(), work()).await;
        if urls.is_empty() {
            return Ok(());
        }
    }
}

fn main() {
    let _ = together;
}
