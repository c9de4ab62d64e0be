//! An `.await` in every place.

use std::future::ready;

#[trio::task]
async fn double(number: u32) -> u32 {
    ready(number * 2).await
}

#[trio::task]
async fn parse(text: &str) -> trio::Result<u32> {
    Ok(ready(text.parse::<u32>()).await?)
}

#[trio::task]
async fn loops() -> u32 {
    let mut sum = 0;
    for number in 0..double(2).await {
        sum += double(number).await;
    }
    while double(sum).await < 100 {
        sum += 1;
    }
    'outer: loop {
        for number in [1, 2] {
            if double(number).await > sum {
                continue 'outer;
            }
        }
        break double(sum).await;
    }
}

#[trio::task]
async fn branches(number: u32) -> u32 {
    let Some(half) = number.checked_div(double(1).await) else {
        return 0;
    };
    let size = if double(half).await > 4 && double(number).await > 4 { 1 } else { 2 };
    match double(size).await {
        2 if double(half).await > 8 => double(number).await,
        2 | 4 => 1,
        other => other,
    }
}

#[trio::task]
async fn macros() -> String {
    assert!(double(1).await == 2, "{} is not 2", double(1).await);
    assert_eq!(double(2).await, 4);
    let numbers = vec![double(1).await, double(2).await];
    assert!(matches!(double(1).await, 2 | 3));
    format!("{numbers:?} {}", double(3).await)
}

#[trio::task]
async fn values() -> trio::Result<u32> {
    let (left, [right, ..]) = (double(1).await, [double(2).await; 2]);
    let text = format!("{left}{right}");
    let mut number = parse(&text).await?;
    number += parse("1").await?;
    drop(parse("x").await);
    let _ = double(1).await;
    let _ignored = parse("1").await?;
    let later = double(number);
    let sum = later.await + { double(1).await };
    Ok(u32::from(parse(&sum.to_string()).await.is_ok_and(|number| number > 0)))
}

#[trio::task(allow(unawaited_dead_binding))]
async fn places() {
    let numbers = [1, 2];
    #[trio(allow(endless_loop_no_checkpoint))]
    for number in numbers {
        #[trio(allow(unawaited_let_underscore))]
        let _ = double(number).await;
    }
}

#[trio::task]
pub(crate) async fn all() -> trio::Result<()> {
    assert_eq!(loops().await, 100);
    assert_eq!(branches(9).await, 1);
    assert_eq!(macros().await, "[2, 4] 6");
    assert_eq!(values().await?, 1);
    places().await;
    Ok(())
}
