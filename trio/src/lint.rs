//! The warnings of the macros. Stable Rust lets a macro warn only of what is deprecated, so each
//! of these is.
//!
//! A warning is switched off with `#[trio(allow(name))]` where it is said, or with
//! `#[trio::task(allow(name))]` for a function; `deny(name)` makes it an error. The rules, with
//! examples, are in `docs/rules.md`, from whose table this file is written.

#![allow(non_upper_case_globals)]

/// This nursery runs one task and waits for it.
#[deprecated(
    note = "this nursery runs one task and waits for it\nhelp: call the function and await it: `child(1).await`"
)]
pub const useless_nursery: () = ();

/// Nothing is spawned in this nursery.
#[deprecated(
    note = "nothing is spawned in this nursery\nhelp: remove it, or name it `_n` if that is what you want"
)]
pub const unused_nursery: () = ();

/// This outlives the nursery it is started in, and nobody waits for it.
#[deprecated(
    note = "this outlives the nursery it is started in, and nobody waits for it\nhelp: use `n.spawn(f, args)`; for blocking code `trio::thread::run_in_worker_thread(f, args).await`"
)]
pub const unstructured_spawn: () = ();

/// This blocks the run that this task belongs to; a second run inside it panics.
#[deprecated(
    note = "this blocks the run that this task belongs to; a second run inside it panics\nhelp: await the function instead: `f().await`"
)]
pub const nested_runtime: () = ();

/// A function with a `timeout` of its own decides for its callers.
#[deprecated(
    note = "a function with a `timeout` of its own decides for its callers\nhelp: remove the parameter and let the caller say it: `trio::fail_after(limit, || f()).await`"
)]
pub const timeout_parameter: () = ();

/// This function is not checked, and is a plain future.
#[deprecated(
    note = "this function is not checked, and is a plain future\nhelp: mark it `#[trio::task]`"
)]
pub const unmarked_inner_async: () = ();

/// This loop can go round without a cancellation point, and then no other task runs.
#[deprecated(
    note = "this loop can go round without a cancellation point, and then no other task runs\nhelp: add `trio::lowlevel::checkpoint().await` at the top of its body"
)]
pub const loop_maybe_no_checkpoint: () = ();

/// This scope can reach its end without a cancellation point.
#[deprecated(
    note = "this scope can reach its end without a cancellation point\nhelp: add `trio::lowlevel::checkpoint().await` at the top of its body"
)]
pub const scope_no_guaranteed_checkpoint: () = ();

/// This loop asks again and again instead of waiting.
#[deprecated(
    note = "this loop asks again and again instead of waiting\nhelp: wait for a `trio::sync::Event`: `ready.wait().await`; whoever changes the condition calls `ready.set()`"
)]
pub const busy_wait: () = ();

/// This sleeps for no time.
#[deprecated(
    note = "this sleeps for no time\nhelp: to let the others run write `trio::lowlevel::checkpoint().await`"
)]
pub const zero_sleep: () = ();

/// This sleeps for more than a day.
#[deprecated(
    note = "this sleeps for more than a day\nhelp: to wait until cancelled write `trio::sleep_forever().await`"
)]
pub const long_sleep: () = ();

/// `select!` drops the futures that lose in the middle of their work.
#[deprecated(
    note = "`select!` drops the futures that lose in the middle of their work\nhelp: use `trio::race!`, which stops the others in good order, or a nursery that the first one cancels"
)]
pub const raw_select: () = ();

/// This stops all tasks, not just this one.
#[deprecated(note = "this stops all tasks, not just this one\nhelp: use `trio::sleep(d).await`")]
pub const blocking_sleep: () = ();

/// Reading from the terminal stops all tasks until a line is there.
#[deprecated(
    note = "reading from the terminal stops all tasks until a line is there\nhelp: read in a thread: `trio::thread::run_in_worker_thread(f, args).await`"
)]
pub const blocking_stdin: () = ();

/// Working with files stops all tasks until it is done.
#[deprecated(
    note = "working with files stops all tasks until it is done\nhelp: do it in a thread: `trio::thread::run_in_worker_thread(f, args).await`"
)]
pub const blocking_fs: () = ();

/// Asking the file system stops all tasks until it answers.
#[deprecated(
    note = "asking the file system stops all tasks until it answers\nhelp: do it in a thread: `trio::thread::run_in_worker_thread(f, args).await`"
)]
pub const blocking_path_method: () = ();

/// Waiting for a process stops all tasks until it is done.
#[deprecated(
    note = "waiting for a process stops all tasks until it is done\nhelp: wait in a thread: `trio::thread::run_in_worker_thread(f, args).await`"
)]
pub const blocking_process: () = ();

/// This stops all tasks until the other side answers.
#[deprecated(
    note = "this stops all tasks until the other side answers\nhelp: use `trio::net`, or do it in a thread: `trio::thread::run_in_worker_thread(f, args).await`"
)]
pub const blocking_net: () = ();

/// This stops the thread, and all tasks with it.
#[deprecated(
    note = "this stops the thread, and all tasks with it\nhelp: use what tasks can wait for, as in `trio::sync`, or do it in a thread: `trio::thread::run_in_worker_thread(f, args).await`"
)]
pub const blocking_sync: () = ();
