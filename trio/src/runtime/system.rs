//! System tasks: those that belong to the run and to no caller.

use std::panic::Location;

use super::context;
use super::introspect::Task;
use super::locals::TaskLocals;
use super::output::TaskOutput;
use super::run::Phase;
use super::task::{ByOutput, TaskCell};
use super::thunk::Thunk;

/// Spawns a task that belongs to the run: it borrows nothing, and is cancelled when the main task has
/// ended. Of task-local values it gets those that the run began with, not its spawner's.
///
/// A system task must not fail: an error or panic of one cancels everything, and the run ends with
/// a panic that names it. Its counterpart in Trio is `trio.lowlevel.spawn_system_task`.
///
/// # Panics
///
/// Outside a run, and when the run is over.
#[track_caller]
pub fn spawn_system_task<T>(thunk: T) -> Task
where
    T: Thunk,
    T::Frame: 'static,
    T::Output: TaskOutput,
{
    let spawned = Location::caller();
    // SAFETY: rule 1: the frame goes straight into a task.
    let frame = unsafe { thunk.into_frame() };
    context::run(|run| {
        assert!(run.phase() != Phase::Over, "the run is over: no system task can be spawned");
        // SAFETY: rules 2 and 4: the frame borrows nothing, and the run waits for its tasks.
        let task = unsafe { TaskCell::<_, ByOutput>::allocate(frame, spawned) };
        task.begin_with_locals(TaskLocals::outside());
        run.adopt(task.clone(), run.system());
        Task::new(task)
    })
}
