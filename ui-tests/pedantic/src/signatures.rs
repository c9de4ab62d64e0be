//! Functions of every signature.

use std::fmt::{Debug, Display};
use std::future::ready;

/// Two numbers.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// One.
    pub left: u32,
    /// The other.
    pub right: u32,
}

/// Type parameters, a constant one and a bound.
#[trio::task]
pub async fn generic<'a, T, const N: usize>(values: [T; N], text: &'a str) -> (&'a str, usize)
where
    T: Debug,
{
    ready(()).await;
    (text, format!("{values:?}").len() + N)
}

/// Parameters that are patterns.
#[trio::task]
pub async fn patterns(
    (first, mut second): (u32, u32),
    [third, ..]: [u32; 3],
    Pair { left, .. }: Pair,
    mut sum: u32,
    _: u8,
) -> u32 {
    second += 1;
    sum += ready(first + second).await;
    sum + third + left
}

/// An opaque parameter and result.
#[trio::task]
pub async fn opaque(value: impl Display + Clone) -> impl Iterator<Item = String> {
    ready(value.clone()).await;
    std::iter::repeat_n(value.to_string(), 2)
}

#[trio::task]
async fn borrows<'a>(longer: &'a str, shorter: &str) -> Option<&'a str> {
    let at = ready(longer.find(shorter)).await?;
    longer.get(at..)
}

#[trio::task]
async fn never_returns() -> ! {
    loop {
        trio::sleep_forever().await;
    }
}

#[trio::task(boxed)]
async fn factorial(number: u64) -> u64 {
    if number == 0 {
        return ready(1).await;
    }
    number * factorial(number - 1).await
}

#[trio::task(strict, allow(never_awaits), deny(busy_wait))]
async fn strict(choice: bool) -> Option<u32> {
    if choice {
        trio::lowlevel::checkpoint().await;
        return None;
    }
    Some(ready(1).await)
}

/// # Safety
///
/// Of no concern.
#[trio::task]
async unsafe fn dangerous(value: &u32) -> u32 {
    ready(*value).await
}

#[trio::task]
async fn with_conditions(
    #[cfg(target_os = "none")] absent: u32,
    #[cfg(not(target_os = "none"))] present: u32,
) -> u32 {
    ready(present).await
}

#[trio::task]
async fn fails(text: &str) -> Result<i32, Box<dyn std::error::Error>> {
    let number = text.parse::<i32>()?;
    Ok(ready(number).await)
}

#[trio::task]
pub(crate) async fn all() {
    let text = String::from("text");
    let _ = generic([1, 2], &text).await;
    let pair = Pair { left: 1, right: 2 };
    let sum = patterns((1, 2), [1, 2, 3], pair, pair.right, 0).await;
    assert_eq!(opaque(sum).await.count(), 2);
    assert_eq!(borrows(&text, "x").await, Some("xt"));
    let stopped = trio::move_on_after(std::time::Duration::from_secs(1), async {
        never_returns().await;
    });
    assert!(stopped.await.is_none());
    assert_eq!(factorial(5).await, 120);
    assert_eq!((strict(true).await, strict(false).await), (None, Some(1)));
    // SAFETY: of no concern.
    assert_eq!(unsafe { dangerous(&1) }.await, 1);
    assert_eq!(with_conditions(1).await, 1);
    assert!(fails("x").await.is_err());
}
