//! What the ends of a channel share.
//!
//! A value is in one place at a time:
//!
//! ```text
//!             no room, no receiver waits          room: its sender's turn
//!          ┌────────────────────────────▶ offered ────────────┐
//!          │                                 │                ▼
//!   send ──┼──────── room ───────────────────┼────────────▶ buffer ──▶ (received)
//!          │                                 │ (capacity 0)   │  ▲
//!          │                                 ▼                │  │ its receiver was dropped,
//!          └──── a receiver waits ────▶ handed ◀──────────────┘  │ and no other waits
//!                                         │  │   receive, but    │
//!                            (received) ◀─┘  │   others run first│
//!                                            └───────────────────┘
//! ```
//!
//! Who waits is known to the parking lots alone. A note names the handle that the task waits on, and
//! the place of its value: among those that are offered, or handed over.
//!
//! While a receiver waits, nothing is in the buffer and nothing is offered; while something is offered
//! by a sender that waits, the buffer is full. So trying takes nothing from those who wait.

use std::cell::{RefCell, RefMut};
use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context as PollContext, Poll};

use slab::Slab;

use super::handles::{Handles, number_in};
use crate::lowlevel::{ParkingLot, cancel_shielded_checkpoint};

pub(super) struct Core<T> {
    pub(super) capacity: usize,
    pub(super) senders: Handles,
    pub(super) receivers: Handles,
    pub(super) sending: ParkingLot,
    pub(super) receiving: ParkingLot,
    items: RefCell<Items<T>>,
}

struct Items<T> {
    buffer: VecDeque<T>,
    peak: usize,
    /// What those have who wait to send. `None`: it was taken, and the turn given.
    offered: Slab<Option<T>>,
    /// The places of those who wait to receive, or have not come for what they were given.
    places: Slab<()>,
    /// The number of who receives and lets others go first. It is not the number of a place.
    next_ticket: u64,
    /// What was given to a place, or to a ticket, and was not fetched, in the order of sending. All of it
    /// was sent before anything in the buffer.
    handed: VecDeque<(u64, T)>,
}

impl<T> Items<T> {
    /// Hands a value over to whoever has received it already.
    #[inline]
    fn keep(&mut self, value: T) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.handed.push_back((ticket, value));
        ticket
    }

    /// Takes what was given to a number, and tells where it was among what was handed over.
    #[inline]
    fn take_handed(&mut self, number: u64) -> Option<(usize, T)> {
        if self.handed.front()?.0 == number {
            return self.handed.pop_front().map(|(_, value)| (0, value));
        }
        self.take_later(number)
    }

    #[inline(never)]
    fn take_later(&mut self, number: u64) -> Option<(usize, T)> {
        let at = self.handed.iter().position(|(given, _)| *given == number)?;
        self.handed.remove(at).map(|(_, value)| (at, value))
    }
}

impl<T> Core<T> {
    pub(super) fn new(capacity: usize) -> Core<T> {
        Core {
            capacity,
            senders: Handles::default(),
            receivers: Handles::default(),
            sending: ParkingLot::new(),
            receiving: ParkingLot::new(),
            items: RefCell::new(Items {
                buffer: VecDeque::new(),
                peak: 0,
                offered: Slab::new(),
                places: Slab::new(),
                // Places are numbered with 32 bits.
                next_ticket: 1 << 32,
                handed: VecDeque::new(),
            }),
        }
    }

    /// How many values are in the buffer, and how many there have been at most.
    pub(super) fn buffered(&self) -> (usize, usize) {
        let items = self.items.borrow();
        (items.buffer.len(), items.peak)
    }

    /// Sends a value if that needs no waiting, or gives it back.
    #[inline(always)]
    pub(super) fn put(&self, value: T) -> Result<(), T> {
        let mut items = self.items.borrow_mut();
        if let Some(first) = self.receiving.first_note() {
            items.handed.push_back((number_in(first) as u64, value));
            drop(items);
            // Last: a foreign waker may call in here.
            self.receiving.unpark(1);
            return Ok(());
        }
        if items.buffer.len() >= self.capacity {
            return Err(value);
        }
        items.buffer.push_back(value);
        items.peak = items.peak.max(items.buffer.len());
        Ok(())
    }

    /// Receives what can be received without waiting.
    #[inline(always)]
    pub(super) fn take(&self) -> Option<T> {
        let mut items = self.items.borrow_mut();
        let mut value = items.buffer.pop_front();
        let has_room = value.is_none() || items.buffer.len() < self.capacity;
        if has_room && let Some(first) = self.sending.first_note() {
            let offered = items.offered[number_in(first)].take();
            let offered = offered.expect("one who is parked has not sent");
            match value {
                Some(_) => items.buffer.push_back(offered),
                None => value = Some(offered),
            }
            drop(items);
            self.sending.unpark(1);
        }
        value
    }

    /// Whether nothing will come any more. What was handed over and not fetched can come back.
    pub(super) fn has_ended(&self) -> bool {
        let items = self.items.borrow();
        self.senders.count() == 0 && items.buffer.is_empty() && items.handed.is_empty()
    }

    /// Lets those who wait for something know that nothing will come any more, if so.
    pub(super) fn tell_the_end(&self) {
        if self.senders.count() == 0 && !self.receiving.is_empty() && self.has_ended() {
            self.receiving.unpark_all();
        }
    }

    /// Drops what is in the buffer, and lets those who wait to send know that nobody will receive it.
    pub(super) fn break_off(&self) {
        let buffer = mem::take(&mut self.items.borrow_mut().buffer);
        self.sending.unpark_all();
        // Last: what is dropped may call in here.
        drop(buffer);
    }

    /// Lets others run before `value`, which was received, is returned.
    ///
    /// # Cancellation
    ///
    /// Not a cancellation point. If the future is dropped the value goes on to others.
    pub(super) fn give_way(&self, value: T) -> impl Future<Output = T> {
        let turn = cancel_shielded_checkpoint();
        GiveWay { core: self, turn, value: Some(value), ticket: None }
    }

    /// Takes what was handed over by this number.
    #[inline]
    fn fetch(&self, number: u64) -> Option<T> {
        let (_, value) = self.items.borrow_mut().take_handed(number)?;
        self.tell_the_end();
        Some(value)
    }

    /// Gives to others what was handed over by this number and was not fetched.
    fn pass_on(&self, mut items: RefMut<'_, Items<T>>, number: u64) {
        let Some((at, mut value)) = items.take_handed(number) else {
            return;
        };
        // Those who were given something later get what was sent before that; the last one's is free.
        for (_, later) in items.handed.range_mut(at..) {
            mem::swap(later, &mut value);
        }
        if let Some(first) = self.receiving.first_note() {
            items.handed.push_back((number_in(first) as u64, value));
            drop(items);
            self.receiving.unpark(1);
        } else if self.receivers.count() > 0 {
            // There may be more in the buffer now than it has room for: nothing is lost.
            items.buffer.push_front(value);
            items.peak = items.peak.max(items.buffer.len());
        } else {
            drop(items);
            drop(value);
        }
    }
}

/// The future of [`Core::give_way`]: the value is handed over to itself if others run first.
struct GiveWay<'a, T, C> {
    core: &'a Core<T>,
    turn: C,
    value: Option<T>,
    ticket: Option<u64>,
}

// The value is moved in and out.
impl<T, C> Unpin for GiveWay<'_, T, C> {}

impl<T, C: Future + Unpin> Future for GiveWay<'_, T, C> {
    type Output = T;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<T> {
        let this = self.get_mut();
        if Pin::new(&mut this.turn).poll(cx).is_ready() {
            let kept = || this.core.fetch(this.ticket.take()?);
            let value = this.value.take().or_else(kept);
            return Poll::Ready(value.expect("a future is not polled after it was ready"));
        }
        if let Some(value) = this.value.take() {
            this.ticket = Some(this.core.items.borrow_mut().keep(value));
        }
        Poll::Pending
    }
}

impl<T, C> Drop for GiveWay<'_, T, C> {
    #[inline]
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.core.pass_on(self.core.items.borrow_mut(), ticket);
        }
    }
}

/// A value that waits to be sent. If it was not, it is dropped with this.
pub(super) struct Offer<'a, T> {
    core: &'a Core<T>,
    pub(super) number: usize,
}

impl<T> Offer<'_, T> {
    pub(super) fn new(core: &Core<T>, value: T) -> Offer<'_, T> {
        Offer { core, number: core.items.borrow_mut().offered.insert(Some(value)) }
    }

    /// Takes it back. `None`: it was sent.
    pub(super) fn take_back(&self) -> Option<T> {
        self.core.items.borrow_mut().offered[self.number].take()
    }

    pub(super) fn renew(&self, value: T) {
        self.core.items.borrow_mut().offered[self.number] = Some(value);
    }
}

impl<T> Drop for Offer<'_, T> {
    fn drop(&mut self) {
        let value = self.core.items.borrow_mut().offered.remove(self.number);
        // After the borrow: it may call in here.
        drop(value);
    }
}

/// Where a receiver is given something. What it has not fetched is passed on.
pub(super) struct Place<'a, T> {
    core: &'a Core<T>,
    pub(super) number: usize,
}

impl<T> Place<'_, T> {
    pub(super) fn new(core: &Core<T>) -> Place<'_, T> {
        Place { core, number: core.items.borrow_mut().places.insert(()) }
    }

    /// Takes what was given.
    #[inline]
    pub(super) fn fetch(&self) -> Option<T> {
        self.core.fetch(self.number as u64)
    }
}

impl<T> Drop for Place<'_, T> {
    fn drop(&mut self) {
        let mut items = self.core.items.borrow_mut();
        items.places.remove(self.number);
        self.core.pass_on(items, self.number as u64);
    }
}
