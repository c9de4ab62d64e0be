//! A receiver as a `futures_core::Stream`.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as PollContext, Poll};

use futures_core::Stream;

use super::Receiver;

impl<T> Receiver<T> {
    /// What this handle receives, as a stream. It ends when the channel does, or when the handle is
    /// closed.
    ///
    /// In a task, a loop over [`receive`](Receiver::receive) needs no stream. This one is for the
    /// combinators of others. It needs the feature `futures`.
    ///
    /// # Cancellation
    ///
    /// The next value of the stream is received as by `receive`: a checkpoint. A value that it was given
    /// while nobody polled it, as the loser of a race, is the next one that it gives, and if the stream is
    /// dropped it goes to who receives next. So drop a stream that is not polled any more.
    ///
    /// ```
    /// use futures::StreamExt;
    /// use trio::channel::channel;
    ///
    /// # #[trio::task] async fn example() -> trio::Result<()> {
    /// let (sender, receiver) = channel(3);
    /// for number in 1..=3 {
    ///     sender.send(number).await?;
    /// }
    /// drop(sender);
    /// let squares: Vec<u32> = receiver.stream().map(|number| number * number).collect().await;
    /// assert_eq!(squares, [1, 4, 9]);
    /// # Ok(()) }
    /// # trio::run(example).unwrap();
    /// ```
    pub fn stream(&self) -> ReceiverStream<'_, T> {
        let next = Rc::new(Cell::new(None));
        let given = Rc::clone(&next);
        let receiving = async move {
            while let Ok(value) = self.receive().await {
                given.set(Some(value));
                once_pending().await;
            }
        };
        ReceiverStream { receiver: self, receiving: Some(Box::pin(receiving)), next }
    }
}

/// Returns to whoever polls: there is something to give.
async fn once_pending() {
    let mut returned = false;
    poll_fn(|_| if mem::replace(&mut returned, true) { Poll::Ready(()) } else { Poll::Pending })
        .await;
}

/// What [`Receiver::stream`] gives.
#[must_use = "streams do nothing unless polled"]
pub struct ReceiverStream<'a, T> {
    receiver: &'a Receiver<T>,
    /// Receives one value after the other, and puts each into `next`. `None`: the stream has ended.
    receiving: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
    next: Rc<Cell<Option<T>>>,
}

impl<T> Stream for ReceiverStream<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<Option<T>> {
        let Some(receiving) = &mut self.receiving else {
            return Poll::Ready(None);
        };
        let ended = receiving.as_mut().poll(cx).is_ready();
        if ended {
            self.receiving = None;
            return Poll::Ready(None);
        }
        match self.next.take() {
            Some(value) => Poll::Ready(Some(value)),
            None => Poll::Pending,
        }
    }
}

impl<T> fmt::Debug for ReceiverStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverStream")
            .field("receiver", self.receiver)
            .field("ended", &self.receiving.is_none())
            .finish()
    }
}
