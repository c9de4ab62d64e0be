#![deny(warnings)]

use std::time::Duration;

use ui_tests::work;

struct Wait {
    length: Duration,
}

/// Wherever an attribute may stand, a rule that can be switched off is.
#[trio::task(allow(blocking_sleep))]
async fn everywhere(#[trio(allow(timeout_parameter))] timeout: Duration, number: u32) {
    std::thread::sleep(timeout);
    #[trio(allow(zero_sleep))]
    trio::sleep(Duration::ZERO).await;
    #[trio(allow(unawaited_let_underscore))]
    let _ = work();
    #[trio(allow(endless_loop_no_checkpoint))]
    loop {
        if number == 1 {
            break;
        }
    }
    match number {
        #[trio(allow(zero_sleep))]
        1 => trio::sleep(Duration::ZERO).await,
        _ => {}
    }
    let wait = Wait {
        #[trio(allow(unawaited_let_underscore))]
        length: {
            let _ = work();
            Duration::from_millis(1)
        },
    };
    trio::sleep(wait.length).await;
    #[trio(allow(unmarked_inner_async))]
    async fn inner() {}
    inner().await;
    struct Inner;
    impl Inner {
        #[trio(allow(unmarked_inner_async))]
        async fn method(&self) {}
    }
    Inner.method().await;
    let () = (#[trio(allow(zero_sleep))] trio::sleep(Duration::from_secs(0))).await;
}

fn main() {
    let _ = everywhere;
}
