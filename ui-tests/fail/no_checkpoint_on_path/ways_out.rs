use trio::nursery;
use ui_tests::{child, compute, fetch, work};

fn step(_: u32) {}

#[trio::task(strict)]
async fn early_return(cached: Option<u32>) -> u32 {
    if let Some(number) = cached {
        return number;
    }
    child(1).await
}

#[trio::task(strict)]
async fn one_branch(cached: Option<u32>) -> u32 {
    match cached {
        Some(number) => compute(number),
        None => child(1).await,
    }
}

#[trio::task(strict)]
async fn missing_else(ready: bool) {
    if ready {
        work().await;
    }
}

#[trio::task(strict)]
async fn maybe_no_round(urls: &[&str]) -> trio::Result<()> {
    for url in urls {
        fetch(url).await?;
    }
    Ok(())
}

#[trio::task(strict)]
async fn falls_through(ready: bool) {
    let _ = ready && child(1).await == 1;
    step(1);
}

#[trio::task(strict)]
async fn idle_nursery() -> trio::Result<()> {
    nursery!(|n| {
        n.cancel();
    })?;
    Ok(())
}

struct Cache(Option<u32>);

impl Cache {
    #[trio::task(strict)]
    async fn get(&self) -> Option<u32> {
        let Some(number) = self.0 else { return None };
        Some(child(number).await)
    }

    #[trio::task(strict)]
    async fn both(&self) -> u32 {
        let number = loop {
            match self.0 {
                Some(number) => break number,
                None => work().await,
            }
        };
        return number;
    }
}

fn main() {}
