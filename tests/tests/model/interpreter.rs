//! A program, run by the runtime.

use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use trio::lowlevel::statistics;
use trio::testing::MockClock;
use trio::{Builder, CancelScope, ErrorGroup, Nursery, TaskHandle, TaskStatus, current_time};

use crate::program::{Entry, Kind, Node, Report, Tree, What};

/// Runs a program under virtual time, in the batch order of `seed`.
pub fn run_in_virtual_time(program: &Node, seed: Option<u64>) -> Report {
    let log = RefCell::default();
    let clock = MockClock::autojump();
    let mut builder = Builder::new().clock(clock.clone()).ignore_interrupts();
    if let Some(seed) = seed {
        builder = builder.scheduler_seed(seed);
    }
    let run = || builder.run(|| outermost(program, &log));
    if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
        assert!(payload.is::<Planned>(), "a panic that was not planned");
    }
    let mut log: Vec<Entry> = log.into_inner();
    log.sort();
    Report { log, end: nanos(clock.elapsed()) }
}

#[trio::task]
async fn outermost<'p>(program: &'p Node, log: &'p Log) {
    let origin = current_time();
    let here = Here { log, origin, scopes: vec![], nurseries: vec![], children: Rc::default() };
    // How it ended is in the log.
    let _ = run(program, here).await;
    assert_eq!(statistics().tasks_living, 1, "something is left running");
    assert_eq!(statistics().deadlines, 0, "a deadline is left behind");
}

type Log = RefCell<Vec<Entry>>;

/// An error that was planned, of the node with this number.
#[derive(Debug)]
struct Planned(u32);

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the failure of node {}", self.0)
    }
}

impl std::error::Error for Planned {}

fn tree_of(error: &(dyn std::error::Error + 'static)) -> Tree {
    match error.downcast_ref::<ErrorGroup>() {
        Some(group) => Tree::Group(group.iter().map(|failure| tree_of(failure.error())).collect()),
        None => Tree::Leaf(error.downcast_ref::<Planned>().expect("a planned error").0),
    }
}

fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).expect("a program takes less than 500 years")
}

/// What surrounds the node that is running.
#[derive(Clone)]
struct Here<'p> {
    log: &'p Log,
    origin: trio::Instant,
    /// The scopes around it, the outermost first.
    scopes: Vec<CancelScope>,
    /// The nurseries around it, with how many of the scopes are around their children.
    nurseries: Vec<(Nursery<'p>, usize)>,
    /// The children of the nursery in whose body it is.
    children: Rc<RefCell<Vec<TaskHandle<()>>>>,
}

impl<'p> Here<'p> {
    fn log(&self, id: u32, what: What) {
        let at = nanos(current_time() - self.origin);
        self.log.borrow_mut().push(Entry { at, id, what });
    }

    fn scope(&self, index: usize) -> Option<&CancelScope> {
        nth_from_the_end(&self.scopes, index)
    }

    fn inside(&self, scope: &CancelScope) -> Here<'p> {
        let mut here = self.clone();
        here.scopes.push(scope.clone());
        here
    }

    fn in_body(&self, nursery: Nursery<'p>) -> Here<'p> {
        let mut here = self.inside(&nursery.cancel_scope());
        here.nurseries.push((nursery, here.scopes.len()));
        here.children = Rc::default();
        here
    }

    fn in_child(&self) -> Here<'p> {
        Here { children: Rc::default(), ..self.clone() }
    }

    /// Where nothing around can be reached: in a clean-up, in a task that has started, and in a service,
    /// which would be told that nobody needs it in the midst of what it has caused.
    fn alone(&self) -> Here<'p> {
        Here { scopes: vec![], nurseries: vec![], children: Rc::default(), ..self.clone() }
    }

    fn spawn(&self, index: usize, child: &'p Node) {
        if let Some(&(nursery, scopes)) = nth_from_the_end(&self.nurseries, index) {
            let mut here = self.in_child();
            here.scopes.truncate(scopes);
            here.nurseries.retain(|(_, inside)| *inside <= scopes);
            nursery.spawn(|| run(child, here));
        }
    }
}

pub fn nth_from_the_end<T>(items: &[T], index: usize) -> Option<&T> {
    items.iter().rev().nth(index % items.len().max(1))
}

/// Records how a node ends. If it is dropped without having been told, it was unwound.
struct Ending<'p> {
    id: u32,
    here: Here<'p>,
    how: What,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let how = if std::thread::panicking() { What::Panicked } else { self.how.clone() };
        self.here.log(self.id, how);
    }
}

#[trio::task(boxed)]
async fn run<'p>(node: &'p Node, here: Here<'p>) -> trio::Result<()> {
    here.log(node.id, What::Began);
    let mut ending = Ending { id: node.id, here: here.clone(), how: What::Unwound };
    let result = step(node, here).await;
    ending.how = match &result {
        Ok(()) => What::HasValue,
        Err(error) => What::Failed(tree_of(&**error)),
    };
    result
}

#[trio::task]
async fn step<'p>(node: &'p Node, here: Here<'p>) -> trio::Result<()> {
    match &node.kind {
        Kind::Sleep(span) => trio::sleep(span.duration()).await,
        Kind::Fail => return Err(Planned(node.id).into()),
        Kind::Panic => resume_unwind(Box::new(Planned(node.id))),
        Kind::Sequence(nodes) => {
            for node in nodes {
                run(node, here.clone()).await?;
            }
        }
        Kind::Catch(body) => {
            if let Err(error) = run(body, here.clone()).await {
                here.log(node.id, What::Caught(tree_of(&*error)));
            }
        }
        Kind::Scope { timeout, shield, stoppable, body } => {
            let scope = match timeout {
                Some(span) => CancelScope::with_timeout(span.duration()),
                None => CancelScope::new(),
            }
            .shielded(*shield)
            .stoppable(stoppable.is_some());
            let result = scope.run(async { run(body, here.inside(&scope)).await }).await;
            assert_eq!(scope.cancelled_caught(), result.is_none());
            match result {
                Some(result) => result?,
                None => {
                    here.log(node.id, What::Absorbed);
                    if let Some(span) = stoppable {
                        trio::sleep(span.duration()).await;
                    }
                }
            }
        }
        Kind::Nursery { shield, services, children, body } => trio::nursery!(|n| {
            n.cancel_scope().set_shield(*shield);
            let here = here.in_body(n);
            for service in services {
                n.spawn_service(run, service, here.alone());
            }
            for child in children {
                let child = n.spawn(run, child, here.in_child());
                here.children.borrow_mut().push(child);
            }
            run(body, here.clone()).await?;
        })?,
        Kind::Finally { limit, body, cleanup } => {
            let body = async { run(body, here.clone()).await };
            let cleanup = async {
                if let Err(error) = run(cleanup, here.alone()).await {
                    here.log(node.id, What::Caught(tree_of(&*error)));
                }
            };
            match limit {
                Some(span) => trio::finally_within(span.duration(), body, cleanup).await?,
                None => trio::finally(body, cleanup).await?,
            }
        }
        Kind::Cancel(index) => {
            here.scope(*index).inspect(|scope| scope.cancel());
        }
        Kind::Unshield(index) => {
            here.scope(*index).inspect(|scope| scope.set_shield(false));
        }
        Kind::MoveDeadline(index, span) => {
            let deadline = current_time() + span.duration();
            here.scope(*index).inspect(|scope| scope.set_deadline(Some(deadline)));
        }
        Kind::CancelChild(index, span) => {
            nth_from_the_end(&here.children.borrow(), *index).inspect(|child| child.cancel());
            trio::sleep(span.duration()).await;
        }
        Kind::Spawn(index, child) => here.spawn(*index, child),
        Kind::Start(index, before, after) => {
            if let Some(&(nursery, _)) = nth_from_the_end(&here.nurseries, *index) {
                let here = here.in_child();
                nursery.start(|status| start(status, before, after, here)).await?;
            }
        }
        Kind::Stop(index, grace, span) => {
            here.scope(*index).inspect(|scope| scope.request_stop(grace.duration()));
            trio::sleep(span.duration()).await;
        }
    }
    Ok(())
}

#[trio::task]
async fn start<'p>(
    status: TaskStatus<()>,
    before: &'p Node,
    after: &'p Node,
    here: Here<'p>,
) -> trio::Result<()> {
    let alone = here.alone();
    run(before, here).await?;
    status.started(());
    run(after, alone).await
}
