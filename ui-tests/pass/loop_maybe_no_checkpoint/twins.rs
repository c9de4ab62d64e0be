#![deny(warnings)]

use trio::lowlevel::checkpoint;
use ui_tests::{child, compute, fetch, work};

fn step(_: u32) {}

#[trio::task]
async fn a_point_at_the_top(numbers: &[u32]) {
    let mut numbers = numbers.iter().cycle();
    loop {
        checkpoint().await;
        let Some(number) = numbers.next() else { continue };
        child(*number).await;
    }
}

#[trio::task]
async fn both_operands(ready: bool) {
    loop {
        if child(1).await == 1 && ready {
            continue;
        }
        if !(ready || child(1).await == 1) {
            step(1);
        }
    }
}

#[trio::task]
async fn the_last_way_is_through_a_guard(number: u32) {
    loop {
        match number {
            1 => work().await,
            number if child(number).await == 1 => {}
            _ => {}
        }
    }
}

#[trio::task]
async fn literal_rounds() -> trio::Result<()> {
    loop {
        for url in ["a", "b"] {
            fetch(url).await?;
        }
        for _ in 0..3 {
            if compute(1) == 3 {
                continue;
            }
        }
    }
}

#[trio::task]
async fn ends_soon(text: &[u8]) -> Option<usize> {
    work().await;
    let mut index = 0;
    let found = loop {
        if *text.get(index)? == b'\n' {
            break index;
        }
        index += 1;
    };
    Some(found)
}

#[trio::task]
async fn allowed(text: &[u8]) -> usize {
    work().await;
    let mut index = 0;
    #[trio(allow(loop_maybe_no_checkpoint))]
    loop {
        if text[index] == b'\n' {
            return index;
        }
        index += 1;
    }
}

#[trio::task(allow(loop_maybe_no_checkpoint))]
async fn allowed_by_function(text: &[u8]) -> usize {
    work().await;
    for index in 0.. {
        if text[index] == b'\n' {
            return index;
        }
    }
    0
}

fn main() {
    let _ = (a_point_at_the_top, both_operands, the_last_way_is_through_a_guard, literal_rounds);
    assert_eq!(trio::run(|| ends_soon(b"ab\n")), Some(2));
    assert_eq!(trio::run(|| allowed(b"ab\n")), 2);
    assert_eq!(trio::run(|| allowed_by_function(b"ab\n")), 2);
}
