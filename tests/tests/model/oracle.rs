//! What a program has to do, worked out without running it.
//!
//! There is no scheduler, no tree of statuses and no flag here, only causes and effects. A node is
//! *evaluated* from a time on, in a place that is cancelled from a time on (or never): that gives when
//! and how it ends, what it did, and when it reached for something around it. What a scope or nursery
//! learns in that way (it was cancelled, unshielded, given a deadline or a child) is a cause of what
//! happens inside it, so the inside is evaluated again, with one cause more each time: the next one.
//! An effect is later than its cause, so that what comes before the next cause is certain by then.

use crate::causes::{Act, Cause, Causes, NEVER, Time};
use crate::interpreter::nth_from_the_end;
use crate::program::{Entry, Kind, Node, Report, Span, Tree, What};

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
    /// From when on a stoppable scope here is cancelled.
    stopping: Time,
    scopes: Vec<u32>,
    /// With how many of the scopes are around their children.
    nurseries: Vec<(u32, usize)>,
    /// The nursery in whose body it is.
    body_of: Option<u32>,
}

impl Place {
    /// Where nothing around can be reached, and nothing reaches in but a cancellation.
    fn alone(cancelled: Time, stopping: Time) -> Place {
        Place { cancelled, stopping, scopes: vec![], nurseries: vec![], body_of: None }
    }
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

/// From when on a scope is what.
struct Scope {
    cancelled: Time,
    stopping: Time,
    unshielded: Time,
    outside: Time,
}

impl Scope {
    fn new(
        entered: Time,
        shield: bool,
        stoppable: bool,
        around: &Place,
        causes: &Causes<'_>,
    ) -> Scope {
        let unshielded = if shield { causes.time_of(&Cause::Unshielded) } else { entered };
        let asked = causes.time_of(&Cause::Stopped);
        let stopping = asked.min(around.stopping.max(unshielded));
        let mut cancelled = causes.time_of(&Cause::Cancelled);
        if stoppable {
            cancelled = cancelled.min(stopping);
        }
        Scope { cancelled, stopping, unshielded, outside: around.cancelled }
    }

    /// What is inside of it.
    fn inside(&self, id: u32, around: &Place) -> Place {
        let mut inside = around.clone();
        inside.cancelled = self.cancelled.min(self.outside.max(self.unshielded));
        inside.stopping = self.stopping;
        inside.scopes.push(id);
        inside
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
    let place = Place::alone(NEVER, NEVER);
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
        Kind::Scope { .. } => return in_scope(node, start, place, done),
        Kind::Nursery { .. } => return in_nursery(node, start, place, done),
        Kind::Finally { limit, body, cleanup } => {
            let (end, how) = evaluate(body, start, place, done);
            let cancelled = limit.as_ref().map_or(NEVER, |span| end.after(span));
            let alone = Place::alone(cancelled, NEVER);
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
        Kind::Start(index, before, after) => {
            let Some((nursery, _)) = nth_from_the_end(&place.nurseries, *index) else {
                return (start.next(), How::Value);
            };
            let caller = Place { body_of: None, ..place.clone() };
            let (mut end, mut how) = evaluate(before, start.next(), &caller, done);
            if matches!(how, How::Value) && place.cancelled <= end {
                // It stays where it is.
                let alone = Place::alone(place.cancelled, place.stopping);
                (end, how) = evaluate(after, end.next(), &alone, done);
            } else if matches!(how, How::Value) {
                done.act(end, Some(nursery), Act::Adopt(after));
            }
            return (end.next(), how);
        }
        Kind::Stop(index, grace, span) => {
            done.act(start, scope(*index), Act::Stop(grace));
            return sleep(start.next(), span, place);
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

fn in_scope<'p>(node: &'p Node, start: Time, place: &Place, done: &mut Done<'p>) -> (Time, How) {
    let Kind::Scope { timeout, shield, stoppable, body } = &node.kind else {
        unreachable!("the caller has looked");
    };
    let mut causes = Causes::default();
    loop {
        let scope = Scope::new(start, *shield, stoppable.is_some(), place, &causes);
        let inside = scope.inside(node.id, place);
        let mut within = Done::default();
        let (end, how) = evaluate(body, start.next(), &inside, &mut within);
        let acts = within.concerning(node.id);
        if causes.learn(Causes::of_scope(start, timeout.as_ref(), &acts)) {
            continue;
        }
        done.append(within);
        if matches!(how, How::Unwound) && scope.absorbs(end) {
            done.log(end, node.id, What::Absorbed);
            return match stoppable {
                Some(span) => sleep(end.next(), span, place),
                None => (end.next(), How::Value),
            };
        }
        return (end, how);
    }
}

fn in_nursery<'p>(node: &'p Node, start: Time, place: &Place, done: &mut Done<'p>) -> (Time, How) {
    let Kind::Nursery { shield, services, children: first, body } = &node.kind else {
        unreachable!("the caller has looked");
    };
    let mut causes = Causes::default();
    loop {
        let scope = Scope::new(start, *shield, false, place, &causes);
        let mut inside = scope.inside(node.id, place);
        inside.nurseries.push((node.id, inside.scopes.len()));
        inside.body_of = None;
        let mut within = Done::default();

        // Who began when, and how it ended.
        let mut lives = Vec::new();
        for (index, child) in first.iter().enumerate() {
            let mut place = inside.clone();
            place.cancelled = place.cancelled.min(causes.time_of(&Cause::ChildCancelled(index)));
            lives.push((start, evaluate(child, start.next(), &place, &mut within)));
        }
        for (at, cause) in &causes.0 {
            let (node, place) = match cause {
                Cause::Child(node) => (node, inside.clone()),
                Cause::Adopted(node) => (node, Place::alone(inside.cancelled, inside.stopping)),
                _ => continue,
            };
            lives.push((*at, evaluate(node, at.next(), &place, &mut within)));
        }
        // A child that was cancelled alone does not count.
        let cancelled_child = lives
            .iter()
            .any(|(_, (end, how))| matches!(how, How::Unwound) && inside.cancelled <= *end);
        let body_place = Place { body_of: Some(node.id), ..inside.clone() };
        let (body_end, body_how) = evaluate(body, start.next(), &body_place, &mut within);
        let unwound = matches!(body_how, How::Unwound);
        lives.push((start, (body_end, body_how)));

        let needy: Vec<(Time, Time)> =
            lives.iter().map(|(began, (end, _))| (*began, *end)).collect();
        let mut endings: Vec<(Time, How)> = lives.into_iter().map(|(_, ending)| ending).collect();
        let ended = causes.time_of(&Cause::ServicesEnd);
        for service in services {
            let place = Place::alone(ended, NEVER);
            endings.push(evaluate(service, start.next(), &place, &mut within));
        }
        let acts = within.concerning(node.id);
        let mut found = Causes::of_scope(start, None, &acts);
        if !services.is_empty() {
            found.add(end_of_services(start, &needy), Cause::ServicesEnd);
        }
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
                Act::Adopt(node) => found.add(at, Cause::Adopted(node)),
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

/// When the services are told: as soon as all have ended who may need them and have begun by then.
fn end_of_services(start: Time, needy: &[(Time, Time)]) -> Time {
    let mut told = start;
    while let Some((_, end)) = needy.iter().find(|(began, end)| *began <= told && told < *end) {
        told = *end;
    }
    told.next()
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
