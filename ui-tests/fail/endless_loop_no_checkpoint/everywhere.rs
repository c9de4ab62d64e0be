//! Loops of every form, wherever a task can have one.

use trio::lowlevel::checkpoint;
use trio::nursery;
use ui_tests::{compute, work};

fn step(_: u32) {}

#[trio::task]
async fn forms(list: Vec<u32>) {
    match list.len() {
        0 => loop {
            step(1);
        },
        1 => {
            while true {
                step(1);
            }
        }
        2 => {
            for number in 0.. {
                step(number);
            }
        }
        _ => {}
    }
    work().await;
}

#[trio::task]
async fn jumps(list: Vec<u32>) {
    if list.is_empty() {
        'outer: loop {
            for number in &list {
                if *number > 1 {
                    break;
                }
                if *number > 2 {
                    continue 'outer;
                }
            }
        }
    }
    let Some(_) = list.first() else {
        loop {
            let Some(_) = list.get(1) else { continue };
        }
    };
    work().await;
}

#[trio::task]
async fn given_away() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(async {
            loop {
                println!("{}", compute(1));
            }
        });
        let task = async |number: u32| loop {
            step(number);
        };
        task(1).await;
    })?;
    Ok(())
}

struct Server;

impl Server {
    #[trio::task]
    async fn serve<T: Clone>(&self, value: T) {
        work().await;
        loop {
            let _copy = value.clone();
            // This awaits nothing here.
            let _later = || async { checkpoint().await };
        }
    }
}

fn main() {}
