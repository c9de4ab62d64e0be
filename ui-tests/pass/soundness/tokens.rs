//! Macros that leave the tokens of a task in its frame may do with them what they like.
#![forbid(unsafe_code)]

use trio::nursery;

macro_rules! twice {
    ($expression:expr) => {
        $expression + $expression
    };
}

macro_rules! ensure {
    ($condition:expr, $($text:tt)*) => {
        if !$condition {
            return Err(format!($($text)*).into());
        }
    };
}

macro_rules! bind {
    ($name:ident = $($value:tt)*) => {
        let $name = { $($value)* };
    };
}

#[trio::task]
async fn number(value: u32) -> u32 {
    trio::lowlevel::checkpoint().await;
    value
}

#[trio::task]
async fn all() -> trio::Result<()> {
    assert_eq!(twice!(number(2).await), 4);
    ensure!(number(3).await == 3, "{} is not 3", number(3).await);
    let numbers = vec![number(1).await, number(2).await];
    let text = format!("{numbers:?} {} {named}", number(3).await, named = number(4).await);
    assert_eq!(text, "[1, 2] 3 4");
    assert!(matches!(number(5).await, 5));
    bind!(six = 6);
    assert_eq!(format!("{}", number(six).await), "6");
    assert_eq!(
        nursery!(|n| {
            n.spawn(number, 1);
            n.spawn(number, 2)
        })?
        .take(),
        Some(2)
    );
    Ok(())
}

fn main() {
    trio::run(all).unwrap();
}
