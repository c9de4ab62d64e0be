//! Children borrow, handles travel, values come back: as in any edition.
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};

use trio::{nursery, Nursery, TaskFn, TaskStatus};

struct Counter<'a> {
    count: &'a Cell<u32>,
}

impl Counter<'_> {
    #[trio::task]
    async fn add(&self, by: u32) -> u32 {
        trio::lowlevel::checkpoint().await;
        self.count.set(self.count.get() + by);
        self.count.get()
    }
}

trait Shape {
    fn name(&self) -> trio::Call<impl std::future::Future<Output = String>>;
}

impl Shape for Counter<'_> {
    #[trio::task]
    async fn name(&self) -> String {
        trio::lowlevel::checkpoint().await;
        self.count.get().to_string()
    }
}

#[trio::task]
async fn longest<'a>(left: &'a str, right: &str) -> Option<&'a str> {
    trio::lowlevel::checkpoint().await;
    (left.len() > right.len()).then_some(left)
}

#[trio::task]
async fn spawns_more<'a>(n: Nursery<'a>, list: &'a RefCell<Vec<u32>>, left: u32) {
    trio::lowlevel::checkpoint().await;
    list.borrow_mut().push(left);
    if left > 0 {
        n.spawn(spawns_more, n, list, left - 1);
    }
}

#[trio::task]
async fn starts(status: TaskStatus<u32>, list: &RefCell<Vec<u32>>) {
    status.started(list.borrow().len() as u32);
    trio::sleep_forever().await;
}

#[trio::task]
async fn handles<H>(handler: H) -> u32
where
    H: for<'a> TaskFn<(&'a mut u32,), Output = ()>,
{
    let mut value = 1;
    handler.call_task((&mut value,)).await;
    value
}

#[trio::task]
async fn double(value: &mut u32) {
    trio::lowlevel::checkpoint().await;
    *value *= 2;
}

/// The tail's temporaries go before the locals that they borrow.
#[trio::task]
async fn tail(list: RefCell<Vec<u32>>) -> usize {
    trio::lowlevel::checkpoint().await;
    let local = list;
    local.borrow().len()
}

#[trio::task]
async fn all() -> trio::Result<()> {
    let count = Cell::new(0);
    let counter = Counter { count: &count };
    let list = RefCell::new(Vec::new());
    let text = String::from("abc");
    let handle = nursery!(|n| {
        n.spawn(Counter::add, &counter, 1);
        n.spawn(async {
            counter.add(2).await;
        });
        n.spawn(spawns_more, n, &list, 3);
        let before = n.start(starts, &list).await?;
        assert!(before <= 4);
        let handle = n.spawn(longest, &text, "a");
        trio::testing::wait_all_tasks_blocked().await;
        n.cancel();
        handle
    })?;
    assert_eq!(handle.take(), Some(Some("abc")));
    assert_eq!(count.get(), 3);
    assert_eq!(*list.borrow(), [3, 2, 1, 0]);
    assert_eq!(counter.name().await, "3");
    assert_eq!(handles(double).await, 2);
    assert_eq!(tail(list).await, 4);
    println!("{} {}", format_args!("{}", counter.add(1).await), text);
    Ok(())
}

fn main() {
    trio::run(all).unwrap();
}
