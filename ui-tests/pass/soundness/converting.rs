//! A frame that borrows nothing can be a plain future, and anything can be done with it.
#![forbid(unsafe_code)]

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use trio::{TaskFn, nursery};

#[trio::task]
async fn sum(numbers: Rc<[u32]>) -> u32 {
    let handle = nursery!(|n| {
        n.spawn(trio::lowlevel::checkpoint);
        n.spawn(async { numbers.iter().sum::<u32>() })
    });
    handle.unwrap().take().unwrap()
}

#[trio::task]
async fn polled_by_hand() {
    let mut futures: Vec<Pin<Box<dyn Future<Output = u32>>>> = vec![
        Box::pin(sum(Rc::new([1, 2])).into_future()),
        Box::pin(sum(Rc::new([3, 4])).into_future()),
    ];
    let first = poll_fn(|cx| {
        for future in &mut futures {
            if let Poll::Ready(value) = future.as_mut().poll(cx) {
                return Poll::Ready(value);
            }
        }
        Poll::Pending
    })
    .await;
    assert!([3, 7].contains(&first));
    std::mem::forget(futures.pop());
}

#[trio::task]
async fn blocks() {
    let number = 7;
    let block = async move {
        trio::lowlevel::checkpoint().await;
        number
    };
    assert_eq!(block.into_future().await, 7);
}

/// A task function of an argument that is borrowed for the call only.
#[trio::task]
async fn with_handler<H>(handler: H) -> usize
where
    H: for<'a> TaskFn<(&'a mut String,), Output = ()>,
{
    let mut text = String::new();
    handler.call_task((&mut text,)).await;
    handler.call_task((&mut text,)).await;
    text.len()
}

#[trio::task]
async fn append(text: &mut String) {
    trio::lowlevel::checkpoint().await;
    text.push('a');
}

#[trio::task]
async fn all() {
    polled_by_hand().await;
    blocks().await;
    assert_eq!(with_handler(append).await, 2);
}

fn main() {
    trio::run(all);
}
