//! A nursery as its children and its parent see it.

use std::cell::{Cell, OnceCell, RefCell};

use super::names::Name;
use super::services::Services;
use crate::runtime::context;
use crate::runtime::counted::Counted;
use crate::runtime::error::Error;
use crate::runtime::group::{ErrorGroup, Failure, Origin};
use crate::runtime::node::Node;
use crate::runtime::reason::CancelSource;
use crate::runtime::report;
use crate::runtime::run::Run;
use crate::runtime::scope::ScopeCore;
use crate::runtime::task::{Ending, Header, Payload, TaskRef, flag};
use crate::runtime::trace::Site;
use crate::runtime::wake::WakeTarget;

/// A nursery as its children and its parent see it.
pub(crate) struct NurseryCore {
    pub(super) scope: Counted<ScopeCore>,
    site: &'static Site,
    /// The name that handles carry, while it is open.
    name: Cell<Option<Name>>,
    /// The children that are no services.
    pub(super) children: Cell<usize>,
    /// The services, from the first on.
    services: OnceCell<Box<Services>>,
    /// `start`s in progress: they keep the nursery open.
    pub(super) starting: Cell<usize>,
    /// What has gone wrong, from the first time on.
    trouble: OnceCell<Box<Trouble>>,
    /// A child was unwound by a cancellation of the nursery, or from further out.
    pub(super) cancelled: Cell<bool>,
    /// What the children were for is done: that one is unwound makes no difference any more.
    decided: Cell<bool>,
    /// Who waits for the last child.
    waiter: Cell<Option<WakeTarget>>,
}

/// What has gone wrong in a nursery.
#[derive(Default)]
struct Trouble {
    failures: RefCell<Vec<Failure>>,
    panicked: RefCell<Option<Payload>>,
}

impl NurseryCore {
    pub(crate) fn new(site: &'static Site) -> NurseryCore {
        NurseryCore {
            scope: Counted::new(ScopeCore::new()),
            site,
            name: Cell::new(None),
            children: Cell::new(0),
            services: OnceCell::new(),
            starting: Cell::new(0),
            trouble: OnceCell::new(),
            cancelled: Cell::new(false),
            decided: Cell::new(false),
            waiter: Cell::new(None),
        }
    }

    pub(crate) fn scope(&self) -> &Counted<ScopeCore> {
        &self.scope
    }

    pub(crate) fn site(&self) -> &'static Site {
        self.site
    }

    /// Lets handles find this nursery.
    ///
    /// # Safety
    ///
    /// The core must stay in its place until [`close`](NurseryCore::close).
    pub(crate) unsafe fn open(&self, run: &Run) -> Name {
        let name = run.nurseries().borrow_mut().insert(self);
        self.name.set(Some(name));
        name
    }

    pub(crate) fn close(&self) {
        if let Some(name) = self.name.take() {
            context::try_run(|run| {
                if let Some(run) = run {
                    run.nurseries().borrow_mut().remove(name);
                }
            });
        }
    }

    /// How many services have not ended.
    pub(super) fn services_living(&self) -> usize {
        self.services.get().map_or(0, |services| services.living.get())
    }

    /// Whether there is anything to wait for.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        self.needs_services() || self.services_living() > 0
    }

    /// Whether there is anything to wait for that may need the services.
    #[inline]
    pub(crate) fn needs_services(&self) -> bool {
        self.children.get() > 0 || self.starting.get() > 0
    }

    /// The body is over, and nothing is left that may need the services.
    pub(crate) fn end_services(&self) {
        if let Some(services) = self.services.get() {
            services.end();
        }
    }

    pub(crate) fn wait(&self, target: WakeTarget) {
        self.waiter.set(Some(target));
    }

    /// Counts a child; gives the node that it is to hang below.
    pub(crate) fn add_child(&self, task: &Header) -> &Node {
        task.set_owner(self);
        if task.has(flag::SERVICE) {
            let services = self.services.get_or_init(|| Services::below(self.scope.node()));
            services.living.set(services.living.get() + 1);
            services.node()
        } else {
            self.children.set(self.children.get() + 1);
            self.scope.node()
        }
    }

    /// The child has left: it ended, or was moved to another nursery. Gives whom to wake, if it was
    /// the one that is waited for; the nursery may go with that.
    #[must_use = "somebody waits for it"]
    pub(crate) fn remove_child(&self, service: bool) -> Option<WakeTarget> {
        let services = self.services.get().filter(|_| service);
        let count = services.map_or(&self.children, |services| &services.living);
        count.set(count.get() - 1);
        self.waiter_if_idle()
    }

    /// The tasks that run in this nursery, the services last.
    pub(super) fn tasks(&self) -> impl Iterator<Item = TaskRef> {
        let services = self.services.get().into_iter().flat_map(|it| it.node().children());
        let nodes = self.scope.node().children().chain(services);
        nodes.filter_map(Node::header).map(TaskRef::from_header)
    }

    pub(crate) fn begin_start(&self) {
        self.starting.set(self.starting.get() + 1);
    }

    /// As [`remove_child`](NurseryCore::remove_child), for a `start` that is over.
    #[must_use = "somebody waits for it"]
    pub(crate) fn end_start(&self) -> Option<WakeTarget> {
        self.starting.set(self.starting.get() - 1);
        self.waiter_if_idle()
    }

    /// The parent is to be woken when nothing is left, and when it has to tell the services.
    fn waiter_if_idle(&self) -> Option<WakeTarget> {
        let services = self.services.get().filter(|services| services.living.get() > 0);
        if self.needs_services() || services.is_some_and(|services| services.are_ending()) {
            return None;
        }
        self.waiter.take()
    }

    /// Takes the nursery out of the tree, when no child is left in it.
    pub(crate) fn leave(&self) {
        if let Some(services) = self.services.get() {
            services.node().unlink();
        }
        self.scope.leave();
    }

    /// Hears how a child ended, before it leaves.
    pub(crate) fn child_ended(&self, task: &Header, ending: Ending) {
        match ending {
            Ending::Quiet => {}
            // A child that was cancelled on its own, by its handle, is no concern of the others, and
            // neither is a service, which ends with the nursery.
            Ending::Cancelled => {
                if self.scope.node().is_effectively_cancelled() && !task.has(flag::SERVICE) {
                    self.cancelled.set(true);
                }
            }
            Ending::Failed(error) => {
                self.scope.cancel_for(CancelSource::Child, task.task_name(), &brief(&error));
                self.trouble().failures.borrow_mut().push(Failure::new(
                    error,
                    Origin {
                        task: task.name().into(),
                        spawned: Some(task.spawned()),
                        last_await: task.last_await(),
                    },
                ));
            }
            Ending::Panicked(payload) => {
                let name = task.name();
                // One that comes up from a nursery of the task was reported down there.
                if !task.has(flag::PASSES_PANIC) {
                    let at = task.spawned();
                    report::panicked(&format!("task `{name}` (spawned at {at})"), &*payload);
                }
                let text = report::text_of(&*payload);
                self.scope.cancel_for(CancelSource::Child, task.task_name(), text);
                // SAFETY: rule 4: an entered scope counts the task that entered it.
                let parent = unsafe { self.scope.node().task().as_ref() };
                if self.add_panic(payload)
                    && let Some(parent) = parent
                {
                    parent.set(flag::PASSES_PANIC);
                }
            }
        }
    }

    pub(crate) fn body_failed(&self, error: Error) {
        let origin = context::task(|task| Origin {
            task: task.name().into(),
            spawned: None,
            last_await: task.last_await(),
        });
        let task = context::task(Header::task_name);
        self.scope.cancel_for(CancelSource::Body, task, &brief(&error));
        self.trouble().failures.borrow_mut().push(Failure::new(error, origin));
    }

    pub(crate) fn body_panicked(&self, payload: Payload) {
        let task = context::task(Header::task_name);
        self.scope.cancel_for(CancelSource::Body, task, report::text_of(&*payload));
        self.add_panic(payload);
    }

    /// The first panic goes on in the parent; later ones were printed when they happened. Whether
    /// this is the first.
    fn add_panic(&self, payload: Payload) -> bool {
        let mut panicked = self.trouble().panicked.borrow_mut();
        if panicked.is_none() {
            *panicked = Some(payload);
            return true;
        }
        drop(panicked);
        report::discard(payload);
        false
    }

    fn trouble(&self) -> &Trouble {
        self.trouble.get_or_init(Box::default)
    }

    /// Whether anything has gone wrong.
    #[inline]
    pub(crate) fn has_trouble(&self) -> bool {
        self.trouble.get().is_some()
    }

    /// How many errors there are.
    pub(super) fn failures(&self) -> usize {
        self.trouble.get().map_or(0, |trouble| trouble.failures.borrow().len())
    }

    pub(crate) fn take_failures(&self) -> Vec<Failure> {
        self.trouble.get().map(|trouble| trouble.failures.take()).unwrap_or_default()
    }

    pub(crate) fn take_panic(&self) -> Option<Payload> {
        self.trouble.get()?.panicked.take()
    }

    /// What the children were for is done, and the others are needed no more: a race has a winner.
    pub(crate) fn decide(&self, why: &str) {
        self.decided.set(true);
        self.scope.cancel(CancelSource::Explicit, Some(why));
    }

    /// Whether the result is not known since a child was unwound.
    pub(crate) fn had_cancelled_child(&self) -> bool {
        self.cancelled.get() && !self.decided.get()
    }

    /// Drops every task below this nursery, the deepest first, so that no frame goes before those
    /// that borrow from it, and none is dropped recursively.
    pub(crate) fn drop_children(&self) {
        while self.children.get() + self.services_living() > 0 {
            let tasks: Vec<TaskRef> = self
                .scope
                .node()
                .descendants()
                .filter_map(|node| node.header())
                .map(TaskRef::from_header)
                .collect();
            // A child that is out of the tree and still counted is just ending, further up the stack.
            if tasks.is_empty() || tasks.iter().any(|task| task.has(flag::RUNNING)) {
                // Its frame, or its nursery, would be freed under its feet (rule 1).
                report::say(format_args!(
                    "a task has dropped the frame that it runs in (a converted task whose \
                     nursery it belongs to); the process is aborted"
                ));
                std::process::abort();
            }
            for task in tasks.iter().rev() {
                Run::drop_task(task);
            }
        }
    }
}

impl Drop for NurseryCore {
    /// What the children of a nursery left that was not joined, nobody will ask for.
    #[inline]
    fn drop(&mut self) {
        if self.has_trouble() {
            self.discard_trouble();
        }
    }
}

impl NurseryCore {
    #[cold]
    fn discard_trouble(&self) {
        for failure in self.take_failures() {
            let error = failure.error();
            report::say(format_args!("an error of a nursery that was dropped: {error}"));
            report::discard(failure);
        }
        if let Some(payload) = self.take_panic() {
            report::discard(payload);
        }
    }
}

/// An error as the reason of a cancellation. A group is not spelt out: nested nurseries would do so
/// at every level.
fn brief(error: &Error) -> String {
    match error.downcast_ref::<ErrorGroup>() {
        Some(_) => "a nursery inside it failed".to_owned(),
        None => report::text_of_error(&**error),
    }
}
