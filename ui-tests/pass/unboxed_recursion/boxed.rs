#![deny(warnings)]

#[trio::task(boxed)]
async fn factorial(number: u64) -> u64 {
    trio::lowlevel::checkpoint().await;
    match number {
        0 => 1,
        _ => number * factorial(number - 1).await,
    }
}

/// Where only one of the calls is boxed.
#[trio::task]
async fn sum(number: u64) -> u64 {
    match number {
        0 => 0,
        _ => number + Box::pin(sum(number - 1)).await,
    }
}

struct Tree(Vec<Tree>);

impl Tree {
    #[trio::task(boxed)]
    async fn count(&self) -> usize {
        trio::lowlevel::checkpoint().await;
        let mut count = 1;
        for tree in &self.0 {
            count += tree.count().await;
        }
        count
    }
}

fn main() {
    assert_eq!(trio::run(|| factorial(5)), 120);
    assert_eq!(trio::run(|| sum(4)), 10);
    let tree = Tree(vec![Tree(vec![]), Tree(vec![Tree(vec![])])]);
    assert_eq!(trio::run(|| tree.count()), 4);
}
