//! Watch channels: a value that changes, and those who want to know.

mod receiver;
mod sender;

pub use receiver::WatchReceiver;
pub use sender::WatchSender;

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::rc::Rc;

use super::handles::Handles;
use crate::lowlevel::ParkingLot;

/// A channel that holds one value: the latest. Each one that is sent replaces it.
///
/// Receivers look at the value whenever they like, and can wait for it to change. One that was busy
/// meanwhile sees the latest, and not what came between: for settings, states and progress.
///
/// ```
/// use trio::channel::{WatchReceiver, watch};
/// use trio::nursery;
///
/// #[trio::task]
/// async fn follow(speed: WatchReceiver<u32>) -> Vec<u32> {
///     let mut seen = vec![speed.get()];
///     while speed.changed().await.is_ok() {
///         seen.push(speed.get());
///     }
///     seen
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let seen = nursery!(|n| {
///     let (sender, receiver) = watch(1);
///     let seen = n.spawn(follow, receiver);
///     for speed in [10, 20, 30] {
///         trio::testing::wait_all_tasks_blocked().await;
///         sender.send(speed)?;
///     }
///     seen
/// })?;
/// assert_eq!(seen.take(), Some(vec![1, 10, 20, 30]));
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn watch<T>(initial: T) -> (WatchSender<T>, WatchReceiver<T>) {
    let core = Rc::new(Core {
        value: RefCell::new(initial),
        version: Cell::new(0),
        senders: Handles::default(),
        receivers: Handles::default(),
        receiving: ParkingLot::new(),
    });
    let sender = WatchSender::new(core);
    let receiver = sender.subscribe();
    (sender, receiver)
}

struct Core<T> {
    value: RefCell<T>,
    /// How often it has changed.
    version: Cell<u64>,
    senders: Handles,
    receivers: Handles,
    /// A waiter's note names its handle.
    receiving: ParkingLot,
}

impl<T> Core<T> {
    #[track_caller]
    fn value(&self) -> Ref<'_, T> {
        self.value.try_borrow().expect(
            "a function that changes the value of a watch channel must not look into the channel: \
             the value is its argument",
        )
    }

    #[track_caller]
    fn value_mut(&self) -> RefMut<'_, T> {
        self.value.try_borrow_mut().expect(
            "a function that looks at the value of a watch channel must not send into it: \
             `get` the value first, or send afterwards",
        )
    }

    fn announce(&self) {
        self.version.set(self.version.get() + 1);
        self.receiving.unpark_all();
    }

    fn statistics(&self) -> WatchStatistics {
        WatchStatistics {
            open_senders: self.senders.count(),
            open_receivers: self.receivers.count(),
            tasks_waiting_receive: self.receiving.len(),
            changes: self.version.get(),
        }
    }
}

/// What [`WatchSender::statistics`] and [`WatchReceiver::statistics`] tell: of the channel as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct WatchStatistics {
    /// How many handles for sending are open.
    pub open_senders: usize,
    /// How many handles for receiving are open.
    pub open_receivers: usize,
    /// How many tasks wait for a change.
    pub tasks_waiting_receive: usize,
    /// How often the value has changed.
    pub changes: u64,
}
