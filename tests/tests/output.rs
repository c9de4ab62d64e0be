//! A task's output may be a type of the user's own.

use trio::nursery;

#[derive(trio::TaskOutput, Debug, PartialEq)]
struct Page<'a, T> {
    text: &'a str,
    extra: T,
}

#[trio::task]
async fn fetch(text: &str) -> Page<'_, u8> {
    trio::lowlevel::checkpoint().await;
    Page { text, extra: 1 }
}

#[trio::test(allow(useless_nursery))]
async fn a_derived_output_is_a_plain_value() {
    let text = String::from("a page");
    let handle = nursery!(|n| n.spawn(fetch, &text)).unwrap();
    assert_eq!(handle.take(), Some(Page { text: "a page", extra: 1 }));
    assert_eq!(handle.take(), None);
}

// A block whose loop never ends has no value: it counts as `()`.
#[trio::test(allow(busy_wait))]
async fn an_endless_block_can_be_spawned_and_ends_by_cancellation() {
    let rounds = std::cell::Cell::new(0);
    nursery!(|n| {
        n.spawn(async {
            loop {
                trio::lowlevel::checkpoint().await;
                rounds.set(rounds.get() + 1);
            }
        });
        while rounds.get() < 3 {
            trio::lowlevel::checkpoint().await;
        }
        n.cancel();
    })
    .unwrap();
    assert!(rounds.get() >= 3);
}

#[trio::test]
async fn an_endless_nursery_that_is_cancelled_is_no_error() {
    let result: Result<(), trio::ErrorGroup> = nursery!(|n| {
        n.spawn(async {
            trio::lowlevel::checkpoint().await;
            n.cancel();
        });
        loop {
            trio::lowlevel::checkpoint().await;
        }
    });
    result.unwrap();
}
