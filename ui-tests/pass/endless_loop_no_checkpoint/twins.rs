#![deny(warnings)]

use std::time::Duration;

use trio::lowlevel::checkpoint;
use trio::nursery;
use ui_tests::{child, compute, work};

fn step(_: u32) {}

#[trio::task]
async fn forms(list: Vec<u32>) {
    match list.len() {
        0 => loop {
            checkpoint().await;
            step(1);
        },
        1 => loop {
            if list.is_empty() {
                work().await;
            } else {
                child(1).await;
            }
        },
        2 => {
            for number in 0.. {
                child(number).await;
            }
        }
        3 => loop {
            while child(1).await == 2 {}
        },
        4 => loop {
            println!("{} {:?}", child(1).await, vec![child(2).await; 2]);
        },
        5 => loop {
            assert_eq!(child(1).await, 1);
        },
        6 => loop {
            match list.first() {
                Some(number) if child(*number).await == 1 => {}
                _ => work().await,
            }
        },
        7 => loop {
            let Some(number) = list.get(child(1).await as usize) else { continue };
            step(*number);
        },
        _ => {}
    }
    work().await;
}

#[trio::task]
async fn nurseries() -> trio::Result<()> {
    loop {
        nursery!(|n| {
            for number in 0..3 {
                n.spawn(child, number);
            }
        })?;
        trio::move_on_after(Duration::from_secs(1), async { work().await }).await;
    }
}

#[trio::task]
async fn elsewhere() {
    fn serve(numbers: &[u32]) -> ! {
        loop {
            numbers.iter().for_each(|number| step(*number));
        }
    }
    let _thread = || serve(&[1]);
    let _other = || loop {
        step(1);
    };
    work().await;
}

macro_rules! awaits {
    ($call:expr) => {
        $call.await
    };
}

#[trio::task]
async fn hidden() {
    loop {
        awaits!(checkpoint());
    }
}

#[trio::task]
async fn configured() {
    loop {
        #[cfg(unix)]
        work().await;
        #[cfg(not(unix))]
        checkpoint().await;
    }
}

#[trio::task]
async fn ends() {
    work().await;
    let mut numbers = 0..3;
    loop {
        match numbers.next() {
            Some(number) => drop(compute(number)),
            None => break,
        }
    }
    while !numbers.is_empty() {
        step(1);
    }
}

#[trio::task]
async fn allowed(endless: bool) {
    if endless {
        #[trio(allow(endless_loop_no_checkpoint))]
        loop {
            std::hint::spin_loop();
        }
    }
    work().await;
}

#[trio::task]
async fn unreachable_code_is_left_to_the_compiler() {
    checkpoint().await;
}

fn main() {
    let _ = (forms, nurseries, elsewhere, hidden, configured, allowed);
    trio::run(ends);
    trio::run(unreachable_code_is_left_to_the_compiler);
}
