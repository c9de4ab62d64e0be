use trio::nursery;
use ui_tests::{child, compute, work};

struct Generic<T>(T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    async fn serve(&self) -> trio::Result<u32> {
        nursery!(|outer| {
            outer.spawn(work);
            nursery!(|inner| {
                inner.spawn(work);
                return 1;
            })?;
            if compute(1) == 1 {
                return 2;
            }
        })?;
        Ok(1)
    }
}

trait Serve {
    #[trio::task]
    async fn serve(&self) {
        let block = async {
            'rounds: loop {
                let _ = nursery!(|n| {
                    n.spawn(work);
                    for number in 0..3 {
                        n.spawn(child, number);
                        if number == 1 {
                            break 'rounds;
                        }
                        if number == 2 {
                            continue 'rounds;
                        }
                        let Some(_) = Some(number) else { break };
                    }
                });
            }
        };
        block.await;
    }
}

fn main() {}
