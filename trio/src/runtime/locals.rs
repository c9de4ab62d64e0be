//! The values that follow a task: what `task_local!` is made of.
//!
//! A task's values are one shared, immutable table. Entering a scope puts another table in its place
//! for as long as the scope is polled; a child that is spawned meanwhile gets that table, and keeps it.
//!
//! ```text
//!   parent   ── {} ──┬─ scope(A = 1) ── {A: 1} ──┬── spawn ──▶ child: {A: 1}, to its end
//!                    └────────── {} ◀────────────┘
//! ```

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as PollContext, Poll};

use super::call::Call;
use super::context;
use super::task::Header;
use super::thunk::Thunk;

/// One value, under the number of its variable.
#[derive(Clone)]
struct Binding {
    key: usize,
    value: Arc<dyn Any + Send + Sync>,
}

/// The task-local values that are in effect somewhere: of a task, or of a thread outside all runs.
///
/// A snapshot: cheap to clone, and can be sent to another thread, so that what is called there on
/// behalf of a task sees the task's values. [`task_local!`](crate::task_local) declares the variables.
/// Its counterpart in Python is `contextvars.Context`.
///
/// ```
/// use trio::lowlevel::TaskLocals;
///
/// trio::task_local! {
///     static USER: String;
/// }
///
/// # trio::run(|| async {
/// USER.scope_sync(String::from("ada"), || {
///     let locals = TaskLocals::current();
///     let thread = std::thread::spawn(move || locals.enter(|| USER.get()));
///     assert_eq!(thread.join().unwrap().as_deref(), Some("ada"));
/// });
/// # });
/// ```
#[derive(Clone, Default)]
pub struct TaskLocals {
    bindings: Option<Arc<[Binding]>>,
}

thread_local! {
    /// The values of code outside all tasks: a worker thread's, or those that a run begins with.
    static OUTSIDE: RefCell<TaskLocals> = const { RefCell::new(TaskLocals { bindings: None }) };
}

impl TaskLocals {
    /// No values at all.
    pub const fn new() -> TaskLocals {
        TaskLocals { bindings: None }
    }

    /// Those in effect here: the running task's, or this thread's if no task runs.
    pub fn current() -> TaskLocals {
        match context::try_task() {
            Some(task) => task.locals(),
            None => TaskLocals::outside(),
        }
    }

    /// Those of this thread outside all tasks.
    pub(crate) fn outside() -> TaskLocals {
        OUTSIDE.try_with(|outside| outside.borrow().clone()).unwrap_or_default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bindings.is_none()
    }

    pub(crate) fn get(&self, key: usize) -> Option<&Arc<dyn Any + Send + Sync>> {
        let bindings = self.bindings.as_deref()?;
        bindings.iter().find(|binding| binding.key == key).map(|binding| &binding.value)
    }

    /// These, with another value for one variable.
    pub(crate) fn with(&self, key: usize, value: Arc<dyn Any + Send + Sync>) -> TaskLocals {
        let others = self.bindings.iter().flat_map(|bindings| bindings.iter());
        let others = others.filter(|binding| binding.key != key).cloned();
        let bindings = others.chain([Binding { key, value }]).collect();
        TaskLocals { bindings: Some(bindings) }
    }

    /// Calls `function` with these in effect, instead of those that are.
    pub fn enter<R>(&self, function: impl FnOnce() -> R) -> R {
        let _in_effect = InEffect::begin(self.clone());
        function()
    }

    /// Runs the thunk with these in effect, instead of those that are: for it and the tasks that it
    /// spawns, not for what else runs while it waits.
    ///
    /// # Cancellation
    ///
    /// As in the thunk.
    pub fn scope<T: Thunk>(self, thunk: T) -> Call<impl Future<Output = T::Output> + use<T>> {
        // SAFETY: rule 1: the frame is polled by `Scope` alone, in a `Call`.
        unsafe {
            let inside = self.enter(|| thunk.into_frame());
            Call::new(Scope { locals: self, inside: Some(inside) })
        }
    }
}

impl fmt::Debug for TaskLocals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.bindings.as_ref().map_or(0, |bindings| bindings.len());
        write!(f, "TaskLocals({count})")
    }
}

/// Puts values into effect, and those that were in effect back when it is dropped.
struct InEffect {
    before: Option<TaskLocals>,
}

impl InEffect {
    fn begin(locals: TaskLocals) -> InEffect {
        InEffect { before: swap(locals) }
    }
}

impl Drop for InEffect {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            // The last reference to the scope's values is not this one, but its owner's.
            swap(before);
        }
    }
}

/// Puts `locals` where the running code looks; `None` on a thread that is ending.
fn swap(locals: TaskLocals) -> Option<TaskLocals> {
    match context::try_task() {
        Some(task) => Some(task.replace_locals(locals)),
        None => OUTSIDE.try_with(|outside| outside.replace(locals)).ok(),
    }
}

/// A frame for which other values are in effect.
struct Scope<F> {
    locals: TaskLocals,
    inside: Option<F>,
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<F::Output> {
        // SAFETY: rule 1: `inside` is pinned with the whole, and dropped in place; `locals` is not
        // pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let _in_effect = InEffect::begin(this.locals.clone());
        let inside = this.inside.as_mut().expect("there until the whole is dropped");
        // SAFETY: rule 1: see above.
        unsafe { Pin::new_unchecked(inside) }.poll(cx)
    }
}

impl<F> Drop for Scope<F> {
    fn drop(&mut self) {
        // Destructors inside still see the values. Assigning drops in place.
        let inside = &mut self.inside;
        self.locals.enter(|| *inside = None);
    }
}

impl Header {
    pub(crate) fn locals(&self) -> TaskLocals {
        self.peek_extra(|extra| extra.locals.clone()).unwrap_or_default()
    }

    pub(crate) fn replace_locals(&self, locals: TaskLocals) -> TaskLocals {
        if locals.is_empty() && self.peek_extra(|_| ()).is_none() {
            return locals;
        }
        self.with_extra(|extra| std::mem::replace(&mut extra.locals, locals))
    }

    /// A new task gets what is in effect where it is spawned.
    #[inline]
    pub(crate) fn inherit_locals(&self) {
        // Few spawners have anything but their frame.
        if !context::peek_task(|task| task.is_some_and(|task| !task.has_extra())) {
            self.begin_with_locals(TaskLocals::current());
        }
    }

    #[inline]
    pub(crate) fn begin_with_locals(&self, locals: TaskLocals) {
        if !locals.is_empty() {
            self.replace_locals(locals);
        }
    }
}
