//! The life of a task in its run.
//!
//! ```text
//!   adopt ──▶ queued ──▶ step_task ──▶ suspended ──▶ (woken: queued again)
//!                            │              │
//!                            ▼              ▼
//!                         finish ◀────── drop_task
//! ```

use std::mem::ManuallyDrop;
use std::task::Context as PollContext;

use super::Run;
use crate::runtime::context::{self, InTask};
use crate::runtime::nursery::NurseryCore;
use crate::runtime::reason::CancelSource;
use crate::runtime::report;
use crate::runtime::task::{Ending, Header, TaskRef, flag};
use crate::runtime::waker;

impl Run {
    /// Makes a task a child of `core`, and runnable.
    pub(crate) fn adopt(&self, task: TaskRef, core: &NurseryCore) {
        // SAFETY: rule 5: its slot keeps it; it does not end before it is stepped or taken down.
        let header = unsafe { TaskRef::borrowed(task.as_ptr()) };
        let id = self.slots.borrow_mut().insert(task, self.id);
        header.attach(self, id);
        let place = core.add_child(&header);
        header.set(flag::QUEUED);
        header.node().link(place);
        self.instruments.call_for(&header, |instrument, task| instrument.task_spawned(task));
        self.enqueue(header.as_ptr());
    }

    /// A living task, and those that it waits for, seen from outside: every one of them.
    pub(crate) fn tasks(&self) -> Vec<TaskRef> {
        let slots = self.slots.borrow();
        let names = slots.names();
        names.iter().filter_map(|name| slots.get(*name)).map(TaskRef::from_header).collect()
    }

    /// Steps one task, whose turn it is in the queue.
    #[inline(always)]
    pub(super) fn step_task(&self, task: *const Header) {
        // SAFETY: rule 5: a queued task is alive; its slot keeps it until the end of `finish`.
        let task = unsafe { TaskRef::borrowed(task) };
        if self.instruments.any() || task.has(flag::DONE) {
            return self.step_with_care(&task);
        }
        task.clear(flag::QUEUED);
        self.poll_task(&task);
    }

    /// Steps a task while instruments look on, unless it has ended.
    #[cold]
    #[inline(never)]
    fn step_with_care(&self, task: &TaskRef) {
        if task.has(flag::DONE) {
            // SAFETY: rule 5: the queue's reference, left by `finish`.
            return drop(unsafe { TaskRef::from_raw(task.as_ptr()) });
        }
        // An instrument may take it down, or wake it: then it is queued again.
        let task = &task.clone();
        task.clear(flag::QUEUED);
        self.instruments.tell_scheduled();
        if !task.has(flag::DONE) {
            self.instruments.call_for(task, |instrument, task| instrument.before_task_step(task));
        }
        if !task.has(flag::DONE) {
            self.poll_task(task);
        }
    }

    #[inline(always)]
    fn poll_task(&self, task: &TaskRef) {
        let gave_waker = task.begin_step();
        let waker = ManuallyDrop::new(waker::waker(task.id(), gave_waker));
        let mut cx = PollContext::from_waker(&waker);
        context::begin_step(task, &cx);
        let ending = task.poll(&mut cx);
        task.set_trace(context::end_step());
        match ending {
            None => task.clear(flag::RUNNING),
            // Before anybody looks: a handle that goes now finds the result.
            Some(_) => task.set(flag::DONE),
        }
        if self.instruments.any() {
            self.stepped(task);
        }
        if let Some(ending) = ending {
            self.finish(task, ending);
        }
    }

    #[cold]
    #[inline(never)]
    fn stepped(&self, task: &TaskRef) {
        // An instrument that was added in the step may take it down.
        let task = &task.clone();
        self.instruments.tell_scheduled();
        self.instruments.call_for(task, |instrument, task| instrument.after_task_step(task));
    }

    /// The task's frame is gone: takes it out of the run, and tells its nursery.
    #[inline(never)]
    fn finish(&self, task: &TaskRef, ending: Ending) {
        task.clear(flag::RUNNING);
        task.set(flag::DONE);
        if task.has(flag::GAVE_WAKER) {
            self.deadlocks.giver_ended();
        }
        task.node().unlink();
        let slot = self.slots.borrow_mut().remove(task.id());
        // SAFETY: rule 4: the nursery outlives its children.
        let owner = unsafe { task.owner().as_ref() };
        task.detach();
        if let Some(mut extra) = task.take_extra() {
            if !extra.breaks.is_empty() {
                let name = extra.name.as_deref().map_or_else(|| task.name(), str::to_owned);
                for lot in &extra.breaks {
                    lot.break_lot(&name);
                }
            }
            if let Some(exit) = &extra.exit {
                exit.unpark_all();
            }
            report::discard(std::mem::take(&mut extra.locals));
            // The name stays readable.
            if extra.name.is_some() {
                task.with_extra(|left| left.name = extra.name);
            }
        }
        if let Some(owner) = owner {
            let (of_main, of_run) =
                (std::ptr::eq(owner, &self.main), std::ptr::eq(owner, &self.system));
            let failed = matches!(ending, Ending::Failed(_) | Ending::Panicked(_));
            owner.child_ended(task, ending);
            if failed && of_run {
                self.main.scope().cancel(CancelSource::Shutdown, Some("a system task failed"));
            }
            if let Some(waiter) = owner.remove_child(task.has(flag::SERVICE)) {
                // The nursery may go with it: a foreign waker is called.
                waiter.wake();
            }
            if of_main {
                self.main_ended();
            }
        }
        self.instruments.call_for(task, |instrument, task| instrument.task_exited(task));
        if task.has(flag::QUEUED) {
            // The queue gives it back.
            std::mem::forget(slot);
        }
    }

    /// Takes a task down that has not ended: its frame is dropped now, in the task's own context.
    pub(crate) fn drop_task(task: &TaskRef) {
        if task.has(flag::DONE) {
            return;
        }
        task.set(flag::RUNNING);
        task.set_trace(std::ptr::null());
        let ending = {
            let _current = InTask::enter(task);
            task.take_down()
        };
        // SAFETY: rule 5: a task that has not ended is attached to a run that lives.
        match unsafe { task.run().as_ref() } {
            Some(run) => run.finish(task, ending),
            None => crate::runtime::internal_error("a task that has not ended is out of its run"),
        }
    }

    /// Of no task it is known any more where it waits, until it has been stepped again: a part of some frame
    /// went, of which the task does not know.
    #[cold]
    pub(crate) fn forget_chains(&self) {
        for task in self.tasks() {
            task.set_trace(std::ptr::null());
        }
    }

    /// Takes every task down, those included that destructors spawn meanwhile: none is left behind
    /// that would think itself in a run.
    pub(super) fn drop_tasks(&self) {
        while self.tasks_living() > 0 {
            self.main.drop_children();
            self.system.drop_children();
            // Tasks whose nursery lies in a frame that was converted and leaked.
            for task in self.tasks() {
                Run::drop_task(&task);
            }
        }
    }
}
