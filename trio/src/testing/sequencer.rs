//! Steps of several tasks in a given order.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;

use crate::lowlevel::{ParkingLot, checkpoint, checkpoint_if_cancelled};

/// Lets pieces of several tasks happen in the order of their numbers, whatever the scheduler does.
///
/// The numbers begin at 0, and each is used once. Its counterpart in Trio is
/// `trio.testing.Sequencer`.
///
/// ```
/// use std::cell::RefCell;
/// use trio::testing::Sequencer;
///
/// #[trio::task]
/// async fn outer(order: &Sequencer, seen: &RefCell<String>) {
///     {
///         let _step = order.step(0).await;
///         seen.borrow_mut().push('a');
///     }
///     let _step = order.step(2).await;
///     seen.borrow_mut().push('c');
/// }
///
/// #[trio::task]
/// async fn inner(order: &Sequencer, seen: &RefCell<String>) {
///     let _step = order.step(1).await;
///     seen.borrow_mut().push('b');
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (order, seen) = (Sequencer::new(), RefCell::new(String::new()));
/// trio::nursery!(|n| {
///     n.spawn(outer, &order, &seen);
///     n.spawn(inner, &order, &seen);
/// })?;
/// assert_eq!(*seen.borrow(), "abc");
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[derive(Default)]
pub struct Sequencer {
    used: RefCell<BTreeSet<usize>>,
    /// The step that can begin.
    next: Cell<usize>,
    /// The step whose task was cancelled while it waited.
    broken: Cell<Option<usize>>,
    waiting: ParkingLot,
}

impl Sequencer {
    /// A sequencer that begins with step 0.
    pub fn new() -> Sequencer {
        Sequencer::default()
    }

    /// Waits until the steps before this one are over; this one is over when the guard is dropped.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. One that is cancelled, or dropped, before its step has begun breaks the sequence:
    /// the steps that wait, and those that come, panic instead of waiting forever.
    ///
    /// # Panics
    ///
    /// At once, if the number was used before; when awaited, if the sequence is or gets broken.
    #[track_caller]
    pub fn step(&self, number: usize) -> impl Future<Output = SequencerStep<'_>> {
        assert!(
            self.used.borrow_mut().insert(number),
            "step {number} of this sequencer was used before: each number is for one step"
        );
        let mut step = SequencerStep { sequencer: self, number, begun: false };
        async move {
            checkpoint().await;
            loop {
                if let Some(missing) = self.broken.get() {
                    // If everything is being cancelled, that is the story, and not this.
                    checkpoint_if_cancelled().await;
                    panic!(
                        "step {number} of this sequencer can never begin: the task of step \
                         {missing} was cancelled while it waited"
                    );
                }
                if self.next.get() == number {
                    step.begun = true;
                    return step;
                }
                self.waiting.park().await.expect("nobody breaks this lot");
            }
        }
    }
}

/// A step of a [`Sequencer`] that is going on, until this is dropped.
#[must_use = "the step is over when this is dropped"]
pub struct SequencerStep<'a> {
    sequencer: &'a Sequencer,
    number: usize,
    /// If it never does, nor will those after it.
    begun: bool,
}

impl Drop for SequencerStep<'_> {
    fn drop(&mut self) {
        let sequencer = self.sequencer;
        if self.begun {
            sequencer.next.set(self.number + 1);
        } else if sequencer.broken.get().is_none() {
            sequencer.broken.set(Some(self.number));
        }
        sequencer.waiting.unpark_all();
    }
}

impl fmt::Debug for SequencerStep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SequencerStep({})", self.number)
    }
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequencer")
            .field("next", &self.next.get())
            .field("broken", &self.broken.get())
            .finish_non_exhaustive()
    }
}
