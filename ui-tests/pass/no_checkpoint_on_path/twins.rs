#![deny(warnings)]

use trio::lowlevel::checkpoint;
use trio::nursery;
use ui_tests::{child, compute, fetch, work};

#[trio::task(strict)]
async fn a_point_first(cached: Option<u32>) -> u32 {
    checkpoint().await;
    if let Some(number) = cached {
        return number;
    }
    child(1).await
}

#[trio::task(strict)]
async fn every_branch(cached: Option<u32>) -> u32 {
    match cached {
        Some(number) if child(number).await == 1 => 1,
        Some(number) => child(number).await,
        None => {
            work().await;
            compute(1)
        }
    }
}

#[trio::task(strict)]
async fn errors(urls: &[&str]) -> trio::Result<u32> {
    let Some(first) = urls.first() else { return Err("no address".into()) };
    if first.is_empty() {
        panic!("an empty address");
    }
    let number: u32 = first.len().try_into()?;
    fetch(first).await?;
    Ok(number)
}

#[trio::task(strict)]
async fn an_error_at_the_end(ready: bool) -> trio::Result<u32> {
    if ready { Ok(child(1).await) } else { Err("not ready".into()) }
}

#[trio::task(strict)]
async fn a_busy_nursery(numbers: &[u32]) -> trio::Result<()> {
    nursery!(|n| {
        for number in numbers {
            n.spawn(child, *number);
        }
    })?;
    Ok(())
}

#[trio::task(strict)]
async fn conditions() -> u32 {
    while child(1).await == 2 {}
    compute(1)
}

#[trio::task(strict)]
async fn stub() {}

#[trio::task]
async fn not_strict(cached: Option<u32>) -> u32 {
    match cached {
        Some(number) => number,
        None => child(1).await,
    }
}

#[trio::task(strict)]
async fn allowed(cached: Option<u32>) -> u32 {
    if let Some(number) = cached {
        #[trio(allow(no_checkpoint_on_path))]
        return number;
    }
    child(1).await
}

fn main() {
    assert_eq!(trio::run(|| a_point_first(Some(2))), 2);
    assert_eq!(trio::run(|| every_branch(None)), 2);
    assert!(trio::run(|| errors(&[])).is_err());
    assert!(trio::run(|| an_error_at_the_end(false)).is_err());
    trio::run(|| a_busy_nursery(&[1])).unwrap();
    assert_eq!(trio::run(conditions), 2);
    trio::run(stub);
    assert_eq!(trio::run(|| not_strict(Some(2))), 2);
    assert_eq!(trio::run(|| allowed(Some(2))), 2);
}
