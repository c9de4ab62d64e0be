//! What the runtime knows of a task whatever its type is.

use std::any::Any;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::task::Context as PollContext;

use super::name::TaskName;
use crate::runtime::error::Error;
use crate::runtime::locals::TaskLocals;
use crate::runtime::node::{Kind, Node};
use crate::runtime::nursery::NurseryCore;
use crate::runtime::park::ParkingLot;
use crate::runtime::run::Run;
use crate::runtime::trace::{Site, TraceNode};

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send>;

/// How a task ended, as its nursery is told.
pub(crate) enum Ending {
    /// With a value, or in a way that only the task's handle is to know.
    Quiet,
    /// With an error.
    Failed(Error),
    /// With a panic.
    Panicked(Payload),
    /// Unwound by a cancellation.
    Cancelled,
}

/// The bits of a task's state.
pub(crate) mod flag {
    /// In the run queue, or in the batch being stepped. Set by a wake, cleared when the step begins.
    pub(crate) const QUEUED: u16 = 1;
    /// Being stepped.
    pub(crate) const RUNNING: u16 = 2;
    /// Ended: its frame is gone.
    pub(crate) const DONE: u16 = 4;
    /// A `TaskHandle` may still ask for the result.
    pub(crate) const HANDLE: u16 = 8;
    /// The handle catches how the task ends; its nursery does not hear of it.
    pub(crate) const MONITORED: u16 = 16;
    /// A nursery of the task passes on a panic of a child, which was reported there.
    pub(crate) const PASSES_PANIC: u16 = 32;
    /// A service of its nursery.
    pub(crate) const SERVICE: u16 = 64;
    /// Its waker was cloned: somebody may have it, as long as the task lives.
    pub(crate) const GAVE_WAKER: u16 = 128;
    /// In its last step something in it has begun to wait until it is cancelled, or has gone on doing so.
    pub(crate) const WAITS_FOR_EVER: u16 = 256;
    /// At the last step one part of the frame unwound and another one waited.
    pub(crate) const TORN: u16 = 512;
}

/// The operations that depend on the task's type.
pub(crate) struct VTable {
    /// Polls the frame. `None`: it waits. `Some`: it has ended, and the frame is gone.
    pub(crate) poll: unsafe fn(*const Header, &mut PollContext<'_>) -> Option<Ending>,
    /// Drops the frame of a task that has not ended: it ends as one that is cancelled.
    pub(crate) take_down: unsafe fn(*const Header) -> Ending,
    /// Takes the result of a task that has ended into an `Option<Outcome<_>>` of its type.
    pub(crate) take: unsafe fn(*const Header, *mut ()),
    /// Puts it back.
    pub(crate) put: unsafe fn(*const Header, *mut ()),
    /// Frees the cell.
    pub(crate) free: unsafe fn(*const Header),
    /// The name of the task's function.
    pub(crate) name: fn() -> &'static str,
}

/// What few tasks have.
#[derive(Default)]
pub(crate) struct Extra {
    pub(crate) name: Option<Box<str>>,
    /// Those who wait for the task's end.
    pub(crate) exit: Option<ParkingLot>,
    /// Lots that break when the task ends, one entry per registration.
    pub(crate) breaks: Vec<ParkingLot>,
    /// The values of `task_local!` variables.
    pub(crate) locals: TaskLocals,
}

#[repr(C)]
pub(crate) struct Header {
    /// The task's place in the tree. First, so that it shares its cache line with nothing else.
    node: Node,
    vtable: &'static VTable,
    run: Cell<*const Run>,
    /// The nursery that hears how the task ends. Outlives the task (rule 4).
    owner: Cell<*const NurseryCore>,
    trace: Cell<*const TraceNode>,
    /// The await that completed last: where an error most likely came from.
    last: Cell<Option<&'static Site>>,
    /// A thin pointer: there are many tasks.
    waits_for: Cell<&'static &'static str>,
    spawned: &'static Location<'static>,
    extra: Cell<Option<Box<Extra>>>,
    /// Run, generation and slot: the data word of the task's wakers.
    id: Cell<u64>,
    refs: Cell<u32>,
    cancel_points: Cell<u32>,
    schedule_points: Cell<u32>,
    flags: Cell<u16>,
}

impl Header {
    pub(super) fn new(vtable: &'static VTable, spawned: &'static Location<'static>) -> Header {
        Header {
            node: Node::new(Kind::Task),
            vtable,
            run: Cell::new(ptr::null()),
            owner: Cell::new(ptr::null()),
            trace: Cell::new(ptr::null()),
            last: Cell::new(None),
            waits_for: Cell::new(&""),
            spawned,
            extra: Cell::new(None),
            id: Cell::new(0),
            refs: Cell::new(1),
            cancel_points: Cell::new(0),
            schedule_points: Cell::new(0),
            flags: Cell::new(0),
        }
    }

    #[inline]
    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    #[inline]
    pub(crate) fn has(&self, flag: u16) -> bool {
        self.flags.get() & flag != 0
    }

    #[inline]
    pub(crate) fn set(&self, flag: u16) {
        self.flags.set(self.flags.get() | flag);
    }

    #[inline]
    pub(crate) fn clear(&self, flag: u16) {
        self.flags.set(self.flags.get() & !flag);
    }

    #[inline]
    pub(crate) fn put(&self, flag: u16, on: bool) {
        if on { self.set(flag) } else { self.clear(flag) }
    }

    /// It is stepped now, and waits for nothing. Whether it has given a waker away.
    #[inline]
    pub(crate) fn begin_step(&self) -> bool {
        let flags = self.flags.get() & !flag::WAITS_FOR_EVER;
        self.flags.set(flags | flag::RUNNING);
        flags & flag::GAVE_WAKER != 0
    }

    #[inline]
    pub(crate) fn id(&self) -> u64 {
        self.id.get()
    }

    pub(crate) fn run(&self) -> *const Run {
        self.run.get()
    }

    pub(crate) fn owner(&self) -> *const NurseryCore {
        self.owner.get()
    }

    pub(crate) fn set_owner(&self, owner: *const NurseryCore) {
        self.owner.set(owner);
    }

    pub(crate) fn attach(&self, run: &Run, id: u64) {
        self.run.set(run);
        self.id.set(id);
    }

    /// The task is out of its run: it can be neither woken nor reached through it any more.
    pub(crate) fn detach(&self) {
        self.run.set(ptr::null());
        self.owner.set(ptr::null());
        self.trace.set(ptr::null());
    }

    pub(crate) fn vtable(&self) -> &'static VTable {
        self.vtable
    }

    pub(crate) fn spawned(&self) -> &'static Location<'static> {
        self.spawned
    }

    pub(crate) fn trace(&self) -> *const TraceNode {
        self.trace.get()
    }

    /// The link to the first of the chain.
    pub(crate) fn trace_link(&self) -> &Cell<*const TraceNode> {
        &self.trace
    }

    #[inline]
    pub(crate) fn set_trace(&self, head: *const TraceNode) {
        self.trace.set(head);
    }

    pub(crate) fn last_await(&self) -> Option<&'static Site> {
        self.last.get()
    }

    #[inline]
    pub(crate) fn set_last_await(&self, site: &'static Site) {
        self.last.set(Some(site));
    }

    pub(crate) fn waits_for(&self) -> &'static str {
        self.waits_for.get()
    }

    #[inline]
    pub(crate) fn set_waits_for(&self, what: &'static &'static str) {
        self.waits_for.set(what);
    }

    /// How many cancellation points and schedule points the task has gone through (modulo 2³²).
    pub(crate) fn points(&self) -> (u32, u32) {
        (self.cancel_points.get(), self.schedule_points.get())
    }

    #[inline]
    pub(crate) fn count_cancel_point(&self) {
        self.cancel_points.set(self.cancel_points.get().wrapping_add(1));
    }

    #[inline]
    pub(crate) fn count_schedule_point(&self) {
        self.schedule_points.set(self.schedule_points.get().wrapping_add(1));
    }

    /// A future of others waits, for the first time or again. If it has given no waker away it waits for
    /// nothing.
    #[inline]
    pub(crate) fn wait_for_a_future(&self, first: bool) {
        if first {
            self.count_schedule_point();
            self.set_waits_for(&"a future");
        }
        self.set(flag::WAITS_FOR_EVER);
    }

    /// Reads or changes what few tasks have.
    pub(crate) fn with_extra<R>(&self, f: impl FnOnce(&mut Extra) -> R) -> R {
        let mut extra = self.extra.take().unwrap_or_default();
        let result = f(&mut extra);
        self.extra.set(Some(extra));
        result
    }

    /// Reads what few tasks have, if this one has it.
    pub(crate) fn peek_extra<R>(&self, f: impl FnOnce(&Extra) -> R) -> Option<R> {
        let extra = self.extra.take();
        let result = extra.as_deref().map(f);
        self.extra.set(extra);
        result
    }

    /// Whether it has anything that few tasks have.
    #[inline]
    pub(crate) fn has_extra(&self) -> bool {
        let extra = self.extra.as_ptr();
        // SAFETY: rule 5: nothing else refers to it meanwhile.
        unsafe { (*extra).is_some() }
    }

    pub(crate) fn rename(&self, name: String) {
        self.with_extra(|extra| extra.name = Some(name.into()));
    }

    #[inline]
    pub(crate) fn take_extra(&self) -> Option<Box<Extra>> {
        self.extra.take()
    }

    /// The task's name: the one given, or that of its function.
    pub(crate) fn name(&self) -> String {
        self.task_name().as_str().to_owned()
    }

    /// The same, for later.
    pub(crate) fn task_name(&self) -> TaskName {
        TaskName::new(self.peek_extra(|extra| extra.name.clone()).flatten(), self.vtable.name)
    }

    /// Puts the task into the run queue, unless it is there already or has ended.
    #[inline]
    pub(crate) fn wake(&self) {
        let flags = self.flags.get();
        if flags & (flag::QUEUED | flag::DONE) != 0 {
            return;
        }
        // SAFETY: rule 5: a task that has not ended is attached to a run that lives.
        if let Some(run) = unsafe { self.run.get().as_ref() } {
            self.flags.set(flags | flag::QUEUED);
            run.enqueue(self.node.task());
        }
    }
}

/// References that are forgotten stay counted, and four thousand million of them can be forgotten.
#[cold]
#[inline(never)]
fn too_many_references() -> ! {
    panic!("too many handles of one task were leaked")
}

/// A counted reference to a task. It keeps the task's memory, not the task.
pub(crate) struct TaskRef(NonNull<Header>);

impl TaskRef {
    #[inline]
    pub(crate) fn from_header(header: &Header) -> TaskRef {
        let Some(refs) = header.refs.get().checked_add(1) else { too_many_references() };
        header.refs.set(refs);
        // The cell's own pointer: a reference to the header would not reach the rest of the cell.
        // SAFETY: rule 5: `allocate` has set it.
        TaskRef(unsafe { NonNull::new_unchecked(header.node.task().cast_mut()) })
    }

    /// Takes over a reference that is counted already.
    ///
    /// # Safety
    ///
    /// `header` is alive, and the caller gives up one counted reference to it.
    #[inline]
    pub(crate) unsafe fn from_raw(header: *const Header) -> TaskRef {
        // SAFETY: by this function's contract.
        TaskRef(unsafe { NonNull::new_unchecked(header.cast_mut()) })
    }

    /// The same as [`from_raw`](TaskRef::from_raw), of a reference that is counted elsewhere.
    ///
    /// # Safety
    ///
    /// `header` is alive as long as the result is used.
    #[inline]
    pub(crate) unsafe fn borrowed(header: *const Header) -> ManuallyDrop<TaskRef> {
        // SAFETY: by this function's contract; the reference is not given up.
        ManuallyDrop::new(unsafe { TaskRef::from_raw(header) })
    }

    #[inline]
    pub(crate) fn into_raw(self) -> *const Header {
        let header = self.as_ptr();
        std::mem::forget(self);
        header
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *const Header {
        self.0.as_ptr()
    }

    /// Polls the frame once, and tells how the task ended if it did.
    #[inline]
    pub(crate) fn poll(&self, cx: &mut PollContext<'_>) -> Option<Ending> {
        // SAFETY: rule 1: the table is that of this cell's type.
        unsafe { (self.vtable.poll)(self.as_ptr(), cx) }
    }

    /// Drops the frame of a task that has not ended, and tells how the task ends with it.
    pub(crate) fn take_down(&self) -> Ending {
        // SAFETY: rule 1: as in `poll`.
        unsafe { (self.vtable.take_down)(self.as_ptr()) }
    }
}

impl std::ops::Deref for TaskRef {
    type Target = Header;

    #[inline]
    fn deref(&self) -> &Header {
        // SAFETY: rule 5: a counted reference keeps the header alive.
        unsafe { self.0.as_ref() }
    }
}

impl Clone for TaskRef {
    #[inline]
    fn clone(&self) -> TaskRef {
        TaskRef::from_header(self)
    }
}

impl Drop for TaskRef {
    #[inline]
    fn drop(&mut self) {
        let refs = self.refs.get() - 1;
        self.refs.set(refs);
        if refs == 0 {
            // SAFETY: rule 5: this was the last reference; the table is that of this cell's type.
            unsafe { (self.vtable.free)(self.as_ptr()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::runtime::task::{AsIs, TaskCell};

    #[test]
    fn handles_that_are_forgotten_never_free_a_task() {
        // SAFETY: the frame borrows nothing, and no nursery has the task.
        let task = unsafe { TaskCell::<_, AsIs>::allocate(ready(()), Location::caller()) };
        task.refs.set(u32::MAX);
        assert!(catch_unwind(AssertUnwindSafe(|| task.clone())).is_err());
        assert_eq!(task.refs.get(), u32::MAX);
        task.refs.set(1);
    }
}
