//! Programs, and what is recorded of them.

use std::time::Duration;

use proptest::prelude::*;

/// A program is a tree of these. Each is run once at most.
#[derive(Clone, Debug)]
pub struct Node {
    pub id: u32,
    pub kind: Kind,
}

/// Scopes and nurseries are named by how many others are between: 0 is the nearest around. Where
/// there are not so many, counting begins again; where there is none, nothing happens.
#[derive(Clone, Debug)]
pub enum Kind {
    Sleep(Span),
    Fail,
    Panic,
    Sequence(Vec<Node>),
    /// Deals with an error.
    Catch(Box<Node>),
    Scope {
        timeout: Option<Span>,
        shield: bool,
        /// A request to stop cancels it. It cancels others at the same time: so that what comes after
        /// them does not meet, there is a pause after this.
        stoppable: Option<Span>,
        body: Box<Node>,
    },
    Nursery {
        shield: bool,
        /// They can reach nothing around.
        services: Vec<Node>,
        children: Vec<Node>,
        body: Box<Node>,
    },
    Finally {
        limit: Option<Span>,
        body: Box<Node>,
        cleanup: Box<Node>,
    },
    Cancel(usize),
    Unshield(usize),
    MoveDeadline(usize, Span),
    /// Cancels a child of the nursery in whose body this is, and sleeps.
    CancelChild(usize, Span),
    /// Spawns into a nursery around.
    Spawn(usize, Box<Node>),
    /// Starts a task into a nursery around: what it does until it has started, and what after that,
    /// when it can reach nothing around.
    Start(usize, Box<Node>, Box<Node>),
    /// Asks a scope to stop, with so much grace, and sleeps.
    Stop(usize, Span, Span),
}

/// A length of time. No two sums of different spans are equal, so that no two things happen at the
/// same time unless one is the other's cause: then the order of tasks in a batch does not matter.
#[derive(Clone, Debug)]
pub struct Span {
    /// Whose length it is, roughly.
    weight: u64,
    /// Which bit is this span's own.
    bit: u32,
}

/// So many spans a program can have.
const BITS: u32 = 50;

impl Span {
    pub fn nanos(&self) -> u64 {
        (self.weight << BITS) + (1 << self.bit)
    }

    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.nanos())
    }
}

/// An error as the tree that it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tree {
    Leaf(u32),
    Group(Vec<Tree>),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum What {
    Began,
    // How it ended.
    HasValue,
    Failed(Tree),
    Panicked,
    Unwound,
    // What else happened.
    Absorbed,
    Caught(Tree),
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Entry {
    /// Nanoseconds since the start.
    pub at: u64,
    pub id: u32,
    pub what: What,
}

/// Everything that is compared.
#[derive(PartialEq, Eq, Debug)]
pub struct Report {
    /// By time.
    pub log: Vec<Entry>,
    /// When the run ended.
    pub end: u64,
}

/// Random programs: a scope around a nursery of anything.
pub fn programs() -> impl Strategy<Value = Node> {
    let children = prop::collection::vec(child(node()), 1..5);
    let services = prop::collection::vec(child(node()), 0..2);
    let parts = (proptest::option::of(span()), any::<bool>(), services, children, node());
    parts.prop_filter_map("too many spans", |(timeout, shield, services, children, body)| {
        let body = Box::new(body);
        let nursery = unnumbered(Kind::Nursery { shield, services, children, body });
        let body = Box::new(nursery);
        let mut program = unnumbered(Kind::Scope { timeout, shield: false, stoppable: None, body });
        let mut numbers = Numbers { id: 0, bit: 0 };
        numbers.give(&mut program);
        (numbers.bit <= BITS).then_some(program)
    })
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        16 => span().prop_map(Kind::Sleep),
        3 => Just(Kind::Fail),
        1 => Just(Kind::Panic),
        5 => (0..4_usize).prop_map(Kind::Cancel),
        3 => (0..4_usize).prop_map(Kind::Unshield),
        3 => (0..4_usize, span()).prop_map(|(scope, span)| Kind::MoveDeadline(scope, span)),
        2 => (0..3_usize, span()).prop_map(|(child, span)| Kind::CancelChild(child, span)),
        3 => (0..4_usize, span(), span())
            .prop_map(|(scope, grace, span)| Kind::Stop(scope, grace, span)),
    ];
    leaf.prop_map(unnumbered).prop_recursive(6, 40, 4, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let timeout = proptest::option::of(span());
        let shield = proptest::bool::weighted(0.3);
        prop_oneof![
            4 => prop::collection::vec(inner.clone(), 1..5).prop_map(Kind::Sequence),
            1 => boxed.clone().prop_map(Kind::Catch),
            3 => (timeout.clone(), shield, proptest::option::weighted(0.3, span()), boxed.clone()).prop_map(
                |(timeout, shield, stoppable, body)| Kind::Scope { timeout, shield, stoppable, body }
            ),
            4 => (
                shield,
                prop::collection::vec(child(inner.clone()), 0..2),
                prop::collection::vec(child(inner.clone()), 0..4),
                boxed.clone(),
            )
                .prop_map(|(shield, services, children, body)| Kind::Nursery {
                    shield,
                    services,
                    children,
                    body,
                }),
            2 => (timeout, boxed.clone(), boxed)
                .prop_map(|(limit, body, cleanup)| Kind::Finally { limit, body, cleanup }),
            1 => (0..3_usize, child(inner.clone()))
                .prop_map(|(nursery, child)| Kind::Spawn(nursery, Box::new(child))),
            2 => (0..3_usize, child(inner.clone()), child(inner)).prop_map(
                |(nursery, before, after)| {
                    Kind::Start(nursery, Box::new(before), Box::new(after))
                }
            ),
        ]
        .prop_map(unnumbered)
    })
}

/// A child sleeps first: siblings that do something at once would do so in no order.
fn child(inner: impl Strategy<Value = Node>) -> impl Strategy<Value = Node> {
    (span(), inner).prop_map(|(span, node)| {
        unnumbered(Kind::Sequence(vec![unnumbered(Kind::Sleep(span)), node]))
    })
}

fn span() -> impl Strategy<Value = Span> + Clone {
    (1..8_u64).prop_map(|weight| Span { weight, bit: 0 })
}

fn unnumbered(kind: Kind) -> Node {
    Node { id: 0, kind }
}

/// Tells the nodes and the spans of a program apart.
struct Numbers {
    id: u32,
    bit: u32,
}

impl Numbers {
    fn give(&mut self, node: &mut Node) {
        self.id += 1;
        node.id = self.id;
        match &mut node.kind {
            Kind::Sleep(span) | Kind::MoveDeadline(_, span) | Kind::CancelChild(_, span) => {
                self.tell_apart(span)
            }
            Kind::Stop(_, grace, span) => {
                self.tell_apart(grace);
                self.tell_apart(span);
            }
            Kind::Fail | Kind::Panic | Kind::Cancel(_) | Kind::Unshield(_) => {}
            Kind::Sequence(nodes) => nodes.iter_mut().for_each(|node| self.give(node)),
            Kind::Catch(body) | Kind::Spawn(_, body) => self.give(body),
            Kind::Scope { timeout, stoppable, body, .. } => {
                timeout.iter_mut().for_each(|span| self.tell_apart(span));
                stoppable.iter_mut().for_each(|span| self.tell_apart(span));
                self.give(body);
            }
            Kind::Nursery { services, children, body, .. } => {
                services.iter_mut().for_each(|node| self.give(node));
                children.iter_mut().for_each(|node| self.give(node));
                self.give(body);
            }
            Kind::Start(_, before, after) => {
                self.give(before);
                self.give(after);
            }
            Kind::Finally { limit, body, cleanup } => {
                limit.iter_mut().for_each(|span| self.tell_apart(span));
                self.give(body);
                self.give(cleanup);
            }
        }
    }

    fn tell_apart(&mut self, span: &mut Span) {
        span.bit = self.bit;
        self.bit += 1;
    }
}
