//! What happens when, and what it is learned from.

use crate::program::{Node, Span};

/// Nanoseconds, and a count of steps: causes and effects at the same time have an order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64, pub u32);

pub const NEVER: Time = Time(u64::MAX, 0);

impl Time {
    pub fn next(self) -> Time {
        Time(self.0, self.1 + 1)
    }

    pub fn after(self, span: &Span) -> Time {
        Time(self.0 + span.nanos(), 0)
    }
}

/// A reach for something around.
#[derive(Clone, Copy)]
pub enum Act<'p> {
    Cancel,
    Unshield,
    MoveDeadline(&'p Span),
    CancelChild(usize),
    Spawn(&'p Node),
    /// A task that was started belongs to the nursery from here on, and goes on with this.
    Adopt(&'p Node),
    Stop(&'p Span),
}

/// What a scope or nursery can learn.
#[derive(Clone, Copy)]
pub enum Cause<'p> {
    Cancelled,
    Unshielded,
    ChildCancelled(usize),
    Child(&'p Node),
    Adopted(&'p Node),
    Stopped,
    /// Nobody is left who may need the services.
    ServicesEnd,
}

impl Cause<'_> {
    pub fn is(&self, other: &Cause<'_>) -> bool {
        match (self, other) {
            (Cause::Cancelled, Cause::Cancelled)
            | (Cause::Unshielded, Cause::Unshielded)
            | (Cause::Stopped, Cause::Stopped)
            | (Cause::ServicesEnd, Cause::ServicesEnd) => true,
            (Cause::ChildCancelled(one), Cause::ChildCancelled(other)) => one == other,
            (Cause::Child(one), Cause::Child(other))
            | (Cause::Adopted(one), Cause::Adopted(other)) => one.id == other.id,
            _ => false,
        }
    }
}

/// What a scope or nursery has learned, in order, and each thing once.
#[derive(Default)]
pub struct Causes<'p>(pub Vec<(Time, Cause<'p>)>);

impl<'p> Causes<'p> {
    /// When something was learned first.
    pub fn time_of(&self, what: &Cause<'_>) -> Time {
        self.0.iter().find(|(_, cause)| cause.is(what)).map_or(NEVER, |(at, _)| *at)
    }

    pub fn add(&mut self, at: Time, cause: Cause<'p>) {
        if at != NEVER {
            self.0.push((at, cause));
        }
    }

    /// Makes the next of the causes that were found certain. `false`: there is none.
    pub fn learn(&mut self, mut found: Causes<'p>) -> bool {
        found.0.sort_by_key(|(at, _)| *at);
        let mut each_once: Vec<(Time, Cause<'p>)> = Vec::new();
        for (at, cause) in found.0 {
            if !each_once.iter().any(|(_, other)| other.is(&cause)) {
                each_once.push((at, cause));
            }
        }
        let certain = self.0.len();
        for (known, found) in self.0.iter().zip(&each_once) {
            assert!(known.0 == found.0 && known.1.is(&found.1), "an effect before its cause");
        }
        self.0.extend(each_once.get(certain));
        self.0.len() > certain
    }

    /// What the scope itself is told.
    pub fn of_scope(entered: Time, timeout: Option<&Span>, acts: &[(Time, Act<'p>)]) -> Causes<'p> {
        let mut causes = Causes::default();
        let mut deadline = timeout.map_or(NEVER, |span| entered.after(span));
        for (at, act) in acts {
            if deadline < *at {
                causes.add(deadline, Cause::Cancelled);
            }
            match act {
                Act::Cancel => causes.add(*at, Cause::Cancelled),
                Act::Unshield => causes.add(*at, Cause::Unshielded),
                Act::MoveDeadline(span) => deadline = at.after(span),
                Act::Stop(grace) => {
                    causes.add(*at, Cause::Stopped);
                    deadline = deadline.min(at.after(grace));
                }
                Act::CancelChild(_) | Act::Spawn(_) | Act::Adopt(_) => {}
            }
        }
        causes.add(deadline, Cause::Cancelled);
        causes
    }
}
