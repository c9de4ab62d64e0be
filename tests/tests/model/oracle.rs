//! What a program has to do, worked out without running it.
//!
//! There is no scheduler, no tree of statuses and no flag here, only causes and effects. A node is
//! *evaluated* from a time on, in a place that is cancelled from a time on (or never): that gives when
//! and how it ends, what it did, and when it reached for something around it. What a scope or nursery
//! learns in that way (it was cancelled, unshielded, given a deadline or a child) is a cause of what
//! happens inside it, so the inside is evaluated again, with one cause more each time: the next one.
//! An effect is later than its cause, so that what comes before the next cause is certain by then.

use crate::interpreter::nth_from_the_end;
use crate::program::{Entry, Kind, Node, Report, Span, Tree, What};

/// Nanoseconds, and a count of steps: causes and effects at the same time have an order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Time(u64, u32);

const NEVER: Time = Time(u64::MAX, 0);

impl Time {
    fn next(self) -> Time {
        Time(self.0, self.1 + 1)
    }

    fn after(self, span: &Span) -> Time {
        Time(self.0 + span.nanos(), 0)
    }
}

#[derive(Clone)]
enum How {
    Value,
    Failed(Tree),
    Panicked,
    Unwound,
}

/// Where a node is evaluated. Scopes and nurseries go by the numbers of their nodes.
#[derive(Clone)]
struct Place {
    /// From when on whatever waits here unwinds.
    cancelled: Time,
    scopes: Vec<u32>,
    /// With how many of the scopes are around their children.
    nurseries: Vec<(u32, usize)>,
    /// The nursery in whose body it is.
    body_of: Option<u32>,
}

/// A reach for something around.
#[derive(Clone, Copy)]
enum Act<'p> {
    Cancel,
    Unshield,
    MoveDeadline(&'p Span),
    CancelChild(usize),
    Spawn(&'p Node),
}

/// What was done in an evaluation.
#[derive(Default)]
struct Done<'p> {
    log: Vec<Entry>,
    /// When, and whom it concerns.
    acts: Vec<(Time, u32, Act<'p>)>,
}

impl<'p> Done<'p> {
    fn log(&mut self, at: Time, id: u32, what: What) {
        self.log.push(Entry { at: at.0, id, what });
    }

    fn act(&mut self, at: Time, whom: Option<&u32>, act: Act<'p>) {
        self.acts.extend(whom.map(|whom| (at, *whom, act)));
    }

    /// What concerns a scope or nursery, in order.
    fn concerning(&self, id: u32) -> Vec<(Time, Act<'p>)> {
        let mut acts: Vec<_> = self
            .acts
            .iter()
            .filter(|(_, whom, _)| *whom == id)
            .map(|&(at, _, act)| (at, act))
            .collect();
        acts.sort_by_key(|(at, _)| *at);
        acts
    }

    fn append(&mut self, mut other: Done<'p>) {
        self.log.append(&mut other.log);
        self.acts.append(&mut other.acts);
    }
}

/// What a scope or nursery can learn.
#[derive(Clone, Copy)]
enum Cause<'p> {
    Cancelled,
    Unshielded,
    ChildCancelled(usize),
    Child(&'p Node),
}

impl Cause<'_> {
    fn is(&self, other: &Cause<'_>) -> bool {
        match (self, other) {
            (Cause::Cancelled, Cause::Cancelled) | (Cause::Unshielded, Cause::Unshielded) => true,
            (Cause::ChildCancelled(one), Cause::ChildCancelled(other)) => one == other,
            (Cause::Child(one), Cause::Child(other)) => one.id == other.id,
            _ => false,
        }
    }
}

/// What a scope or nursery has learned, in order, and each thing once.
#[derive(Default)]
struct Causes<'p>(Vec<(Time, Cause<'p>)>);

impl<'p> Causes<'p> {
    /// When something was learned first.
    fn time_of(&self, what: &Cause<'_>) -> Time {
        self.0.iter().find(|(_, cause)| cause.is(what)).map_or(NEVER, |(at, _)| *at)
    }

    fn add(&mut self, at: Time, cause: Cause<'p>) {
        if at != NEVER {
            self.0.push((at, cause));
        }
    }

    /// Makes the next of the causes that were found certain. `false`: there is none.
    fn learn(&mut self, mut found: Causes<'p>) -> bool {
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
    fn of_scope(entered: Time, timeout: Option<&Span>, acts: &[(Time, Act<'p>)]) -> Causes<'p> {
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
                Act::CancelChild(_) | Act::Spawn(_) => {}
            }
        }
        causes.add(deadline, Cause::Cancelled);
        causes
    }
}

/// From when on a scope is what.
struct Scope {
    cancelled: Time,
    unshielded: Time,
    outside: Time,
}

impl Scope {
    fn new(entered: Time, shield: bool, outside: Time, causes: &Causes<'_>) -> Scope {
        let unshielded = if shield { causes.time_of(&Cause::Unshielded) } else { entered };
        Scope { cancelled: causes.time_of(&Cause::Cancelled), unshielded, outside }
    }

    /// From when on its inside is cancelled.
    fn inside(&self) -> Time {
        self.cancelled.min(self.outside.max(self.unshielded))
    }

    fn is_reached_from_outside(&self, at: Time) -> bool {
        self.outside.max(self.unshielded) <= at
    }

    /// The outermost cancelled scope absorbs; who that is, is decided at the end.
    fn absorbs(&self, at: Time) -> bool {
        self.cancelled <= at && !self.is_reached_from_outside(at)
    }
}

/// What a program does.
pub fn predict(program: &Node) -> Report {
    let place = Place { cancelled: NEVER, scopes: vec![], nurseries: vec![], body_of: None };
    let mut done = Done::default();
    let (end, _) = evaluate(program, Time(0, 0), &place, &mut done);
    done.log.sort();
    Report { log: done.log, end: end.0 }
}

fn evaluate<'p>(node: &'p Node, start: Time, place: &Place, done: &mut Done<'p>) -> (Time, How) {
    done.log(start, node.id, What::Began);
    let (end, how) = step(node, start.next(), place, done);
    let what = match how.clone() {
        How::Value => What::HasValue,
        How::Failed(tree) => What::Failed(tree),
        How::Panicked => What::Panicked,
        How::Unwound => What::Unwound,
    };
    done.log(end, node.id, what);
    (end.next(), how)
}

fn step<'p>(node: &'p Node, start: Time, place: &Place, done: &mut Done<'p>) -> (Time, How) {
    let scope = |index: usize| nth_from_the_end(&place.scopes, index);
    match &node.kind {
        Kind::Sleep(span) => return sleep(start, span, place),
        Kind::Fail => return (start, How::Failed(Tree::Leaf(node.id))),
        Kind::Panic => return (start, How::Panicked),
        Kind::Sequence(nodes) => {
            let mut time = start;
            for node in nodes {
                let (end, how) = evaluate(node, time, place, done);
                if !matches!(how, How::Value) {
                    return (end, how);
                }
                time = end;
            }
            return (time, How::Value);
        }
        Kind::Catch(body) => {
            return match evaluate(body, start, place, done) {
                (end, How::Failed(tree)) => {
                    done.log(end, node.id, What::Caught(tree));
                    (end, How::Value)
                }
                other => other,
            };
        }
        Kind::Scope { timeout, shield, body } => {
            return in_scope(node.id, start, timeout.as_ref(), *shield, body, place, done);
        }
        Kind::Nursery { shield, children, body } => {
            return in_nursery(node.id, start, *shield, children, body, place, done);
        }
        Kind::Finally { limit, body, cleanup } => {
            let (end, how) = evaluate(body, start, place, done);
            let cancelled = limit.as_ref().map_or(NEVER, |span| end.after(span));
            let alone = Place { cancelled, scopes: vec![], nurseries: vec![], body_of: None };
            return match evaluate(cleanup, end, &alone, done) {
                (end, How::Panicked) => (end, How::Panicked),
                (end, How::Failed(tree)) => {
                    done.log(end, node.id, What::Caught(tree));
                    (end, how)
                }
                (end, How::Value | How::Unwound) => (end, how),
            };
        }
        Kind::Cancel(index) => done.act(start, scope(*index), Act::Cancel),
        Kind::Unshield(index) => done.act(start, scope(*index), Act::Unshield),
        Kind::MoveDeadline(index, span) => {
            done.act(start, scope(*index), Act::MoveDeadline(span));
        }
        Kind::CancelChild(index, span) => {
            done.act(start, place.body_of.as_ref(), Act::CancelChild(*index));
            return sleep(start.next(), span, place);
        }
        Kind::Spawn(index, child) => {
            let nursery = nth_from_the_end(&place.nurseries, *index).map(|(nursery, _)| nursery);
            done.act(start, nursery, Act::Spawn(child));
        }
    }
    (start.next(), How::Value)
}

fn sleep(start: Time, span: &Span, place: &Place) -> (Time, How) {
    let end = start.after(span);
    if place.cancelled < end {
        (place.cancelled.max(start).next(), How::Unwound)
    } else {
        (end, How::Value)
    }
}

fn in_scope<'p>(
    id: u32,
    start: Time,
    timeout: Option<&Span>,
    shield: bool,
    body: &'p Node,
    place: &Place,
    done: &mut Done<'p>,
) -> (Time, How) {
    let mut causes = Causes::default();
    loop {
        let scope = Scope::new(start, shield, place.cancelled, &causes);
        let mut inside = place.clone();
        inside.cancelled = scope.inside();
        inside.scopes.push(id);
        let mut within = Done::default();
        let (end, how) = evaluate(body, start.next(), &inside, &mut within);
        if causes.learn(Causes::of_scope(start, timeout, &within.concerning(id))) {
            continue;
        }
        done.append(within);
        if matches!(how, How::Unwound) && scope.absorbs(end) {
            done.log(end, id, What::Absorbed);
            return (end.next(), How::Value);
        }
        return (end, how);
    }
}

fn in_nursery<'p>(
    id: u32,
    start: Time,
    shield: bool,
    first: &'p [Node],
    body: &'p Node,
    place: &Place,
    done: &mut Done<'p>,
) -> (Time, How) {
    let mut causes = Causes::default();
    loop {
        let scope = Scope::new(start, shield, place.cancelled, &causes);
        let mut inside = place.clone();
        inside.cancelled = scope.inside();
        inside.scopes.push(id);
        inside.nurseries.push((id, inside.scopes.len()));
        let mut within = Done::default();

        let mut endings = Vec::new();
        for (index, child) in first.iter().enumerate() {
            let mut place = Place { body_of: None, ..inside.clone() };
            place.cancelled = place.cancelled.min(causes.time_of(&Cause::ChildCancelled(index)));
            endings.push(evaluate(child, start.next(), &place, &mut within));
        }
        for (at, cause) in &causes.0 {
            if let Cause::Child(child) = cause {
                let place = Place { body_of: None, ..inside.clone() };
                endings.push(evaluate(child, at.next(), &place, &mut within));
            }
        }
        // A child that was cancelled alone does not count.
        let cancelled_child = endings
            .iter()
            .any(|(end, how)| matches!(how, How::Unwound) && inside.cancelled <= *end);
        inside.body_of = Some(id);
        endings.push(evaluate(body, start.next(), &inside, &mut within));
        let unwound = matches!(endings.last(), Some((_, How::Unwound)));

        let acts = within.concerning(id);
        let mut found = Causes::of_scope(start, None, &acts);
        for (end, how) in &endings {
            if matches!(how, How::Failed(_) | How::Panicked) {
                found.add(*end, Cause::Cancelled);
            }
        }
        for (at, act) in acts {
            match act {
                Act::CancelChild(index) if !first.is_empty() => {
                    let child = first.len() - 1 - index % first.len();
                    found.add(at, Cause::ChildCancelled(child));
                }
                Act::Spawn(node) => found.add(at, Cause::Child(node)),
                _ => {}
            }
        }
        if causes.learn(found) {
            continue;
        }
        done.append(within);
        endings.sort_by_key(|(end, _)| *end);
        let end = endings.last().map_or(start, |(end, _)| *end).next();
        return (end, decide(&endings, unwound, cancelled_child, &scope, end));
    }
}

/// How a nursery ends whose last child has ended. The endings are in order.
fn decide(
    endings: &[(Time, How)],
    unwound: bool,
    cancelled_child: bool,
    scope: &Scope,
    end: Time,
) -> How {
    if endings.iter().any(|(_, how)| matches!(how, How::Panicked)) {
        return How::Panicked;
    }
    let failures: Vec<Tree> = endings
        .iter()
        .filter_map(|(_, how)| match how {
            How::Failed(tree) => Some(tree.clone()),
            _ => None,
        })
        .collect();
    if !failures.is_empty() {
        return How::Failed(Tree::Group(failures));
    }
    let from_outside = scope.is_reached_from_outside(end);
    if (unwound && !scope.absorbs(end)) || (cancelled_child && from_outside) {
        How::Unwound
    } else {
        How::Value
    }
}
