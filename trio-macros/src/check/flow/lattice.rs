//! What is known at a place of a body: whether a cancellation point lies on every way to it.

/// How the ways from one origin to a place stand. Of two ways that meet, the larger counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// No way leads here.
    Dead,
    /// Every way has a cancellation point.
    Point,
    /// The ways without one lead through something that cannot be read.
    Maybe,
    /// Some way certainly has none.
    Open,
}

impl Level {
    /// This way, continued by one that stands like `next`.
    pub fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Dead, _) | (_, Self::Dead) => Self::Dead,
            (before, next) => before.min(next),
        }
    }

    /// This way, which may have led to `with` instead: nothing is certain where they differ.
    fn perhaps(self, with: Self) -> Self {
        if self == with { self } else { self.min(Self::Maybe) }
    }
}

/// The levels of a place since each origin: the start of the body, then the heads of the loops
/// around the place, from the outermost to the innermost.
///
/// A loop is looked at once, with its head as a fresh origin. The second round cannot be worse than
/// the first, since nothing takes a cancellation point back; so there is no fixpoint to look for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State(Vec<Level>);

impl State {
    /// The start of a body.
    pub fn start(live: bool) -> Self {
        Self(vec![if live { Level::Open } else { Level::Dead }])
    }

    /// Since the start of the body.
    pub fn since_start(&self) -> Level {
        self.0[0]
    }

    /// Since the head of the innermost loop.
    pub fn since_head(&self) -> Level {
        self.0[self.0.len() - 1]
    }

    pub fn is_live(&self) -> bool {
        self.since_start() != Level::Dead
    }

    /// Goes on through something that stands like this.
    pub fn pass(&mut self, level: Level) {
        for since in &mut self.0 {
            *since = since.then(level);
        }
    }

    /// The same place, which no way leads to.
    pub fn unreached(&self) -> Self {
        Self(vec![Level::Dead; self.0.len()])
    }

    /// Another way leads here, maybe out of loops that this place is not in.
    pub fn join(&mut self, other: &Self) {
        for (since, other) in self.0.iter_mut().zip(&other.0) {
            *since = (*since).max(*other);
        }
    }

    /// What leads to `with` may not be there.
    pub fn perhaps(&mut self, with: &Self) {
        for (since, with) in self.0.iter_mut().zip(&with.0) {
            *since = since.perhaps(*with);
        }
    }

    /// This is the head of a loop.
    pub fn enter_loop(&mut self) {
        self.0.push(if self.is_live() { Level::Open } else { Level::Dead });
    }
}

#[cfg(test)]
mod tests {
    use super::Level::{Dead, Maybe, Open, Point};
    use super::*;

    #[test]
    fn a_point_on_the_way_stays() {
        for (before, next, expected) in [
            (Open, Point, Point),
            (Open, Maybe, Maybe),
            (Maybe, Open, Maybe),
            (Maybe, Point, Point),
            (Point, Open, Point),
            (Point, Dead, Dead),
            (Dead, Point, Dead),
        ] {
            assert_eq!(before.then(next), expected, "{before:?} then {next:?}");
        }
    }

    #[test]
    fn what_may_not_be_there_makes_nothing_certain() {
        for (without, with, expected) in [
            (Open, Open, Open),
            (Open, Point, Maybe),
            (Open, Dead, Maybe),
            (Point, Dead, Point),
            (Dead, Dead, Dead),
        ] {
            assert_eq!(without.perhaps(with), expected, "{without:?}, perhaps {with:?}");
        }
    }

    #[test]
    fn each_origin_has_its_own_level() {
        let mut state = State::start(true);
        state.pass(Point);
        state.enter_loop();
        assert_eq!((state.since_start(), state.since_head()), (Point, Open));
        let mut after = State::start(true);
        after.join(&state);
        assert_eq!(after.since_head(), Open);
        let mut dead = state.unreached();
        dead.enter_loop();
        assert_eq!(dead.since_head(), Dead);
    }
}
