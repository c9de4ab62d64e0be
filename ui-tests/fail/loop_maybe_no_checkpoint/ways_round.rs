#![deny(warnings)]

use ui_tests::{child, compute, fetch, work};

fn step(_: u32) {}

#[trio::task]
pub async fn continues(numbers: &[u32]) {
    let mut numbers = numbers.iter().cycle();
    loop {
        let Some(number) = numbers.next() else { continue };
        child(*number).await;
    }
}

#[trio::task]
pub async fn sometimes(ready: bool) {
    loop {
        if ready {
            work().await;
        }
    }
}

#[trio::task]
pub async fn only_the_right_operand(ready: bool) {
    loop {
        if ready && child(1).await == 1 {
            step(1);
        }
    }
}

#[trio::task]
pub async fn guards(number: u32) {
    loop {
        match number {
            1 if child(1).await == 1 => {}
            _ => {}
        }
    }
}

#[trio::task]
pub async fn maybe_no_round(urls: &[&str]) -> trio::Result<()> {
    loop {
        for url in urls {
            fetch(url).await?;
        }
    }
}

#[trio::task]
pub async fn returns(numbers: Vec<u32>) -> usize {
    work().await;
    for index in 0.. {
        if numbers[index] == 1 {
            return index;
        }
    }
    0
}

#[trio::task]
pub async fn leaves_another_loop(numbers: Vec<u32>) {
    'outer: loop {
        work().await;
        for start in &numbers {
            let mut number = *start;
            loop {
                if number > 100 {
                    continue 'outer;
                }
                number = compute(number);
            }
        }
    }
}

fn main() {}
