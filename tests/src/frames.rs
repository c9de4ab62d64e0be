//! Frames that were converted to plain futures, and places to keep them in.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A converted frame that others can reach, too.
pub type Shared = Rc<RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>>>;

/// Puts a future where others can reach it.
pub fn share(future: impl Future<Output = ()> + 'static) -> Shared {
    Rc::new(RefCell::new(Some(Box::pin(future))))
}

/// Polls the shared future until it is ready or gone.
pub async fn drive(shared: Shared) {
    poll_fn(|cx| match &mut *shared.borrow_mut() {
        Some(future) => future.as_mut().poll(cx),
        None => Poll::Ready(()),
    })
    .await;
}

/// Polls the shared future once, in a task's step or out of it; nobody hears what it is woken for.
pub fn poll_once(shared: &Shared) -> Poll<()> {
    match &mut *shared.borrow_mut() {
        Some(future) => future.as_mut().poll(&mut Context::from_waker(Waker::noop())),
        None => Poll::Ready(()),
    }
}

thread_local! {
    static KEPT: RefCell<Option<Pin<Box<dyn Future<Output = ()>>>>> = const { RefCell::new(None) };
    static NURSERY: Cell<Option<trio::Nursery<'static>>> = const { Cell::new(None) };
}

/// Keeps what is shared in a thread-local variable; whoever has shared it finds it gone.
pub fn keep(shared: &Shared) {
    KEPT.set(shared.take());
}

/// Drops what is kept.
pub fn drop_kept() {
    drop(KEPT.take());
}

/// Keeps a nursery's handle in a thread-local variable.
pub fn keep_nursery(nursery: trio::Nursery<'static>) {
    NURSERY.set(Some(nursery));
}

/// The handle that is kept.
pub fn kept_nursery() -> trio::Nursery<'static> {
    NURSERY.get().expect("a nursery was kept")
}
