//! The body that is being followed: where control stands in it, and what a jump from there leaves.
//!
//! ```text
//!   function or `async` block      state: the ways to the current place
//!     └ loop, labelled block,      frames: what is around that place, each with the state of the
//!       nursery, `try` block               jumps that end it
//! ```

use syn::{Label, Lifetime};

use super::lattice::{Level, State};

/// A function, or an `async` block or closure inside one, which runs when it is awaited or spawned.
pub struct Body {
    pub state: State,
    frames: Vec<Frame>,
    /// Every way out needs a cancellation point.
    pub strict: bool,
    /// Inside something that is perhaps not compiled: what is found there is not certain.
    pub doubt: bool,
    /// The ways that return a value which is not an error.
    pub exits: Level,
    /// All ways that return.
    pub ends: Level,
    /// Something was reached that is a cancellation point, or may be.
    pub seen: bool,
}

/// Something around the current place that a jump can end.
pub struct Frame {
    label: Option<String>,
    pub kind: Kind,
    /// What jumped to its end.
    pub out: State,
}

pub enum Kind {
    /// A block with a label.
    Block,
    /// A `try` block.
    Try,
    /// The body of `nursery!`, its binder, and what waiting for the tasks spawned so far is like.
    Nursery {
        binder: String,
        waits: Level,
    },
    Loop(Loop),
}

/// What is known about a loop.
pub struct Loop {
    /// The ways back to its head.
    pub back: State,
    /// A `break` ends it.
    pub broken: bool,
    /// Something leads past its end: `return`, `?`, a `break` of a loop around it, a panic.
    pub left: bool,
    /// A cancellation point is reached in it, or what may be one.
    pub seen: bool,
    /// A macro that cannot be read is reached in it. It may leave the loop in any way.
    pub unclear: bool,
}

impl Body {
    pub fn new(live: bool, strict: bool, doubt: bool) -> Self {
        Self {
            state: State::start(live),
            frames: Vec::new(),
            strict,
            doubt,
            exits: Level::Dead,
            ends: Level::Dead,
            seen: false,
        }
    }

    /// Goes through something that stands like this.
    pub fn pass(&mut self, level: Level) {
        if matches!(level, Level::Point | Level::Maybe) {
            self.see();
        }
        self.state.pass(level);
    }

    /// Something here is a cancellation point, if not on all ways.
    pub fn see(&mut self) {
        if self.state.is_live() {
            self.seen = true;
            self.loops_from(0, |it| it.seen = true);
        }
    }

    /// Goes through something that cannot be read.
    pub fn unclear(&mut self) {
        self.pass(Level::Maybe);
        if self.state.is_live() {
            self.loops_from(0, |it| it.unclear = true);
        }
    }

    /// The next place cannot be reached from here: it panics, or ends the process.
    pub fn diverge(&mut self) {
        self.may_diverge();
        self.die();
    }

    /// As [`diverge`](Self::diverge), on a way to the side.
    pub fn may_diverge(&mut self) {
        self.leave_loops_from(0);
    }

    /// Returns with a value, or with an error.
    pub fn end(&mut self, is_error: bool) {
        let level = self.certain().since_start();
        self.ends = self.ends.max(level);
        if !is_error {
            self.exits = self.exits.max(level);
        }
        self.leave_loops_from(0);
        self.die();
    }

    /// `?`, on the way of the error.
    pub fn question_mark(&mut self) {
        let catches = |frame: &Frame| matches!(frame.kind, Kind::Try | Kind::Nursery { .. });
        match self.frames.iter().rposition(catches) {
            Some(index) => self.jump_out(index),
            None => {
                self.ends = self.ends.max(self.certain().since_start());
                self.leave_loops_from(0);
            }
        }
    }

    pub fn break_to(&mut self, label: Option<&Lifetime>) {
        if let Some(index) = self.target(label) {
            self.jump_out(index);
            if let (Kind::Loop(it), true) = (&mut self.frames[index].kind, self.state.is_live()) {
                it.broken = true;
            }
        }
        self.die();
    }

    pub fn continue_to(&mut self, label: Option<&Lifetime>) {
        if let Some(index) = self.target(label) {
            let state = self.certain();
            self.leave_loops_from(index + 1);
            if let Kind::Loop(it) = &mut self.frames[index].kind {
                it.back.join(&state);
            }
        }
        self.die();
    }

    /// Goes into a frame that is no loop.
    pub fn enter(&mut self, label: Option<&Label>, kind: Kind) {
        let out = self.state.unreached();
        self.frames.push(Frame { label: label.map(name), kind, out });
    }

    /// Comes to the end of the frame; the current place is after it.
    pub fn leave(&mut self) -> Option<Frame> {
        let frame = self.frames.pop()?;
        self.state.join(&frame.out);
        Some(frame)
    }

    /// Comes to the head of a loop.
    pub fn enter_loop(&mut self, label: Option<&Label>) {
        let out = self.state.unreached();
        self.state.enter_loop();
        let back = self.state.unreached();
        let facts = Loop { back, broken: false, left: false, seen: false, unclear: false };
        self.frames.push(Frame { label: label.map(name), kind: Kind::Loop(facts), out });
    }

    /// Comes back to the head of the loop; the current place is after it, reached by `break`.
    pub fn leave_loop(&mut self) -> Option<Loop> {
        let Some(Frame { kind: Kind::Loop(mut facts), out, .. }) = self.frames.pop() else {
            return None;
        };
        facts.back.join(&self.state);
        self.state = out;
        Some(facts)
    }

    /// The nurseries around this place.
    pub fn nurseries(&mut self) -> impl Iterator<Item = (&str, &mut Level)> {
        self.frames.iter_mut().filter_map(|frame| match &mut frame.kind {
            Kind::Nursery { binder, waits } => Some((binder.as_str(), waits)),
            _ => None,
        })
    }

    /// The frame that a `break` or `continue` means.
    fn target(&self, label: Option<&Lifetime>) -> Option<usize> {
        self.frames.iter().rposition(|frame| match label {
            Some(label) => frame.label.as_ref().is_some_and(|own| label.ident == own),
            None => matches!(frame.kind, Kind::Loop(_)),
        })
    }

    /// Jumps to the end of a frame.
    fn jump_out(&mut self, index: usize) {
        let state = self.certain();
        self.leave_loops_from(index + 1);
        self.frames[index].out.join(&state);
    }

    /// The state, as far as it is certain.
    fn certain(&self) -> State {
        let mut state = self.state.clone();
        if self.doubt {
            state.pass(Level::Maybe);
        }
        state
    }

    fn die(&mut self) {
        self.state = self.state.unreached();
    }

    fn leave_loops_from(&mut self, index: usize) {
        if self.state.is_live() {
            self.loops_from(index, |it| it.left = true);
        }
    }

    fn loops_from(&mut self, index: usize, mut note: impl FnMut(&mut Loop)) {
        for frame in &mut self.frames[index..] {
            if let Kind::Loop(it) = &mut frame.kind {
                note(it);
            }
        }
    }
}

fn name(label: &Label) -> String {
    label.name.ident.to_string()
}
