//! The registered descriptors, and what is known of each.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::os::fd::RawFd;
use std::rc::Rc;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use slab::Slab;

use crate::runtime::wake::WakeTarget;

/// One of the two things to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    Read,
    Write,
}

/// One direction of a descriptor.
#[derive(Default)]
pub(super) struct Side {
    /// The poller has said so, and nobody has used it up.
    pub(super) ready: Cell<bool>,
    /// It will stay so: the other side has closed, or there is an error.
    pub(super) for_good: Cell<bool>,
    /// A future waits.
    pub(super) busy: Cell<bool>,
    pub(super) target: Cell<Option<WakeTarget>>,
}

impl Side {
    pub(super) fn event(&self, for_good: bool) {
        self.ready.set(true);
        self.for_good.set(self.for_good.get() | for_good);
        self.wake();
    }

    pub(super) fn wake(&self) {
        if let Some(target) = self.target.take() {
            target.wake();
        }
    }
}

pub(super) struct Source {
    pub(super) fd: RawFd,
    pub(super) token: Token,
    pub(super) read: Side,
    pub(super) write: Side,
    pub(super) closed: Cell<bool>,
    /// The poller refused the descriptor while somebody was waiting.
    pub(super) error: Cell<Option<i32>>,
    waiting: Rc<Waiting>,
}

impl Source {
    pub(super) fn side(&self, direction: Direction) -> &Side {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    /// A future begins to wait, who has said who is to be woken.
    pub(super) fn begin_wait(&self, direction: Direction) {
        self.side(direction).busy.set(true);
        self.waiting.count(direction).update(|count| count + 1);
    }

    /// That future does not wait any more.
    pub(super) fn end_wait(&self, direction: Direction) {
        let side = self.side(direction);
        side.busy.set(false);
        self.waiting.count(direction).update(|count| count - 1);
        side.target.set(None);
    }

    pub(super) fn close(&self) {
        self.closed.set(true);
        self.read.wake();
        self.write.wake();
    }
}

/// How many futures of a run wait for a descriptor, to read and to write.
#[derive(Default)]
pub(super) struct Waiting {
    read: Cell<usize>,
    write: Cell<usize>,
}

impl Waiting {
    pub(super) fn count(&self, direction: Direction) -> &Cell<usize> {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }
}

/// The registered descriptors. Shared with those who own one, who can outlive the run.
pub(super) struct Sources {
    /// By the number of a descriptor, who has registered it last.
    pub(super) owners: RefCell<Vec<Token>>,
    pub(super) registry: Registry,
    pub(super) sources: RefCell<Slab<Rc<Source>>>,
    /// Those that are registered for single waits.
    pub(super) single: RefCell<HashMap<RawFd, Rc<Source>>>,
    pub(super) waiting: Rc<Waiting>,
}

impl Sources {
    pub(super) fn insert(&self, fd: RawFd, interest: Interest) -> io::Result<Rc<Source>> {
        let mut sources = self.sources.borrow_mut();
        let entry = sources.vacant_entry();
        let token = Token(entry.key());
        self.registry.register(&mut SourceFd(&fd), token, interest)?;
        self.note_owner(fd, token);
        let source = Rc::new(Source {
            fd,
            token,
            read: Side::default(),
            write: Side::default(),
            closed: Cell::new(false),
            error: Cell::new(None),
            waiting: Rc::clone(&self.waiting),
        });
        entry.insert(Rc::clone(&source));
        Ok(source)
    }

    pub(super) fn remove(&self, source: &Source) {
        let mut sources = self.sources.borrow_mut();
        if sources.get(source.token.0).is_some_and(|own| std::ptr::eq(&raw const **own, source)) {
            sources.remove(source.token.0);
            // If the descriptor was closed behind our back it is out already: this fails, or the number is
            // another's by now.
            if self.owner(source.fd) == Some(source.token) {
                let _ = self.registry.deregister(&mut SourceFd(&source.fd));
            }
        }
    }

    fn note_owner(&self, fd: RawFd, token: Token) {
        let mut owners = self.owners.borrow_mut();
        // What was registered is no negative number.
        let at = usize::try_from(fd).unwrap_or(0);
        if owners.len() <= at {
            owners.resize(at + 1, Token(usize::MAX));
        }
        owners[at] = token;
    }

    fn owner(&self, fd: RawFd) -> Option<Token> {
        self.owners.borrow().get(usize::try_from(fd).ok()?).copied()
    }

    /// Deregisters what was registered for single waits.
    pub(super) fn forget(&self, source: &Rc<Source>) {
        let mut single = self.single.borrow_mut();
        if single.get(&source.fd).is_some_and(|own| Rc::ptr_eq(own, source)) {
            single.remove(&source.fd);
        }
        drop(single);
        self.remove(source);
    }
}
