//! The task's side of an errand.
//!
//! ```text
//!   New ──first poll: send──▶ Waiting ──visit──▶ Serving
//!                              │  │ ▲              │
//!            abandoned: unwinds│  │ └──────────────┘
//!                              ▼  ▼ over
//!                         (gone)  Ready(result)
//! ```

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as PollContext, Poll};

use super::desk::{Desk, Found, Visit};
use super::{Errand, ErrandHost, Finished, Slot, erased};
use crate::runtime::context;
use crate::runtime::report;
use crate::runtime::request::Serving;

enum Stage<J, S> {
    New(J, S),
    Sent,
    Over,
}

pub(super) struct Waiting<J, R, S> {
    stage: Stage<J, S>,
    desk: Arc<Desk>,
    slot: Arc<Slot<R>>,
    serving: Option<Serving>,
    abandonable: bool,
}

impl<J, R, S> Waiting<J, R, S> {
    /// # Safety
    ///
    /// Unless the job and its result borrow nothing, the frame must not be forgotten once it was polled
    /// (rule 1), so that it waits for its errand; and one that is `abandonable` must borrow nothing.
    pub(super) unsafe fn new(job: J, send: S, abandonable: bool) -> Waiting<J, R, S> {
        Waiting {
            stage: Stage::New(job, send),
            desk: Arc::new(Desk::default()),
            slot: Arc::new(Slot(Mutex::new(None))),
            serving: None,
            abandonable,
        }
    }
}

// It is not borrowed from by address: what both sides need is on the heap.
impl<J, R, S> Unpin for Waiting<J, R, S> {}

impl<J, R, S> Future for Waiting<J, R, S>
where
    J: FnOnce(&ErrandHost) -> R + Send,
    R: Send,
    S: FnOnce(Errand),
{
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<R> {
        // One that is polled by hand could be forgotten, and would not wait.
        context::demand_in_place(&*self, cx);
        let this = &mut *self;
        if let Stage::New(..) = this.stage {
            context::task(|task| task.count_cancel_point());
            if context::cancelled() {
                return context::unwind();
            }
            context::task(|task| task.count_schedule_point());
            this.send();
        }
        loop {
            if context::cancelled() {
                this.desk.note_cancelled();
                if this.abandonable && this.desk.abandon() {
                    return context::unwind();
                }
            }
            if let Some(serving) = &mut this.serving {
                if Pin::new(serving).poll(cx).is_pending() {
                    return Poll::Pending;
                }
                this.serving = None;
            }
            match this.desk.look(cx.waker()) {
                Found::Visit(Visit::Call(request)) => request.call(),
                Found::Visit(Visit::Run(request)) => this.serving = Some(request.begin()),
                Found::Over => return Poll::Ready(this.result()),
                Found::Nothing => {
                    context::task(|task| task.set_waits_for(&"another thread"));
                    return context::wait();
                }
            }
        }
    }
}

impl<J, R, S> Waiting<J, R, S>
where
    J: FnOnce(&ErrandHost) -> R + Send,
    R: Send,
    S: FnOnce(Errand),
{
    fn send(&mut self) {
        let Stage::New(job, send) = std::mem::replace(&mut self.stage, Stage::Sent) else {
            return;
        };
        let host = ErrandHost(Arc::clone(&self.desk));
        // SAFETY: rule 4: the frame does not go before the errand is over, or borrows nothing.
        let call = unsafe { erased(job, Arc::clone(&self.slot), host) };
        send(Errand { call, finished: Finished(Arc::clone(&self.desk)) });
    }

    fn result(&mut self) -> R {
        self.stage = Stage::Over;
        self.desk.close();
        match self.slot.take() {
            Some(Ok(result)) => result,
            Some(Err(payload)) => resume_unwind(payload),
            None => panic!("the `Errand` of this task was dropped: nobody has run it"),
        }
    }
}

impl<J, R, S> Drop for Waiting<J, R, S> {
    fn drop(&mut self) {
        let Stage::Sent = self.stage else {
            return;
        };
        // Whoever waits for an answer gets none, and can go on.
        self.desk.note_cancelled();
        report::discard(self.serving.take());
        self.desk.close();
        if self.abandonable {
            return;
        }
        self.desk.wait_until_over();
        match self.slot.take() {
            Some(Err(payload)) => {
                report::panicked("a thread whose task is gone", &*payload);
                report::discard(payload);
            }
            leftover => report::discard(leftover),
        }
    }
}
