use ui_tests::compute;

#[trio::task]
async fn value() -> u32 {
    let one = compute(1).await;
    match one {
        1 => compute(2).await,
        _ => one,
    }
}

struct Counter(u32);

impl Counter {
    fn get(&self) -> u32 {
        self.0
    }

    #[trio::task]
    async fn next(&self) -> u32 {
        self.get().await + 1
    }
}

fn main() {}
