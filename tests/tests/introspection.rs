//! Seeing inside: names, parents, tracebacks, the task tree and the statistics.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::time::Duration;

use tests::source::line_of;
use trio::lowlevel::{
    Abort, Task, checkpoint, current_task, current_trio_token, statistics, suspend, task_tree,
};
use trio::testing::wait_all_tasks_blocked;
use trio::{CancelScope, current_time, move_on_after, nursery, sleep, sleep_forever};

const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(10);

/// The number of the line of this file that is marked so.
#[track_caller]
fn line(mark: &str) -> u32 {
    line_of(include_str!("introspection.rs"), mark)
}

#[trio::task]
async fn wait_for_ever() {
    sleep_forever().await // wait for ever
}

async fn plain() {
    sleep_forever().await
}

struct Server;

trait Serve {
    fn by_trait(&self) -> trio::Call<impl Future<Output = ()>>;
}

impl Server {
    #[trio::task]
    async fn method(&self) {
        sleep_forever().await
    }
}

impl Serve for Server {
    #[trio::task]
    async fn by_trait(&self) {
        sleep_forever().await
    }
}

#[trio::task]
async fn generic<T>(_value: T) {
    sleep_forever().await
}

#[trio::task(boxed)]
async fn boxed() {
    sleep_forever().await
}

// A15
#[trio::test]
async fn a_task_is_named_after_its_function() {
    let server = Server;
    assert_eq!(current_task().name(), "a_task_is_named_after_its_function");
    nursery!(|n| {
        let names = [
            n.spawn(wait_for_ever).name(),
            n.spawn(plain).name(),
            n.spawn(Server::method, &server).name(),
            n.spawn(|| server.method()).name(),
            n.spawn(boxed).name(),
            n.spawn(generic, 1_u8).name(),
            n.spawn(async { sleep_forever().await }).name(),
            n.spawn(sleep, SECOND).name(),
        ];
        assert_eq!(
            names,
            [
                "wait_for_ever",
                "plain",
                "method",
                "method",
                "boxed",
                "generic<u8>",
                "block in a_task_is_named_after_its_function",
                "Sleep",
            ]
        );
        assert!(n.spawn(Server::by_trait, &server).name().ends_with("::by_trait"));
        n.cancel();
    })
    .unwrap();
}

// A15
#[trio::test]
async fn a_task_can_be_given_a_name_and_keeps_it() {
    let task = nursery!(|n| {
        let task = n.spawn_named("the reader", wait_for_ever);
        assert_eq!(task.name(), "the reader");
        assert_eq!(n.spawn_named(format!("worker {}", 3), generic, 1).name(), "worker 3");
        n.cancel();
        task
    });
    let task = task.unwrap();
    assert!(task.is_finished());
    assert_eq!(task.name(), "the reader");
    assert_eq!(task.task().name(), "the reader");
}

// A12
#[trio::test]
async fn the_parent_of_a_child_is_the_task_that_opened_its_nursery() {
    type Parents = RefCell<Vec<(String, Option<Task>)>>;
    #[trio::task]
    async fn note(parents: &Parents) {
        let task = current_task();
        parents.borrow_mut().push((task.name(), task.parent()));
        checkpoint().await;
    }
    #[trio::task]
    async fn spawns<'s>(n: trio::Nursery<'s>, parents: &'s Parents) {
        // The nursery is that of the grandparent.
        n.spawn_named("the other's", || note(parents));
        checkpoint().await;
    }
    let parents = RefCell::default();
    nursery!(|n| {
        n.spawn_named("own", note, &parents);
        n.spawn(spawns, n, &parents);
    })
    .unwrap();
    let main = current_task();
    let parents = parents.into_inner();
    assert_eq!(parents.len(), 2);
    for (name, parent) in parents {
        assert!(parent == Some(main.clone()), "{name}: {parent:?}");
    }
}

// A12
#[trio::test]
async fn main_has_no_parent() {
    assert!(current_task().parent().is_none());
    checkpoint().await;
}

// A13
#[trio::test]
async fn a_task_stays_valid_as_a_value_when_it_has_ended() {
    let task = nursery!(|n| {
        let task = n.spawn(wait_for_ever).task(); // the spawn of the ended one
        assert!(!task.is_finished());
        assert!(task.parent().is_some());
        n.cancel();
        task
    });
    let task = task.unwrap();
    assert!(task.is_finished());
    assert!(task.parent().is_none());
    assert!(task.traceback().is_empty());
    assert_eq!(task.waits_for(), "");
    assert_eq!(task.spawned_at().line(), line("the spawn of the ended one"));
    let text = format!("{task:?}");
    assert!(text.starts_with("Task(wait_for_ever, spawned at tests/tests/introspection.rs:"));
}

#[trio::test]
async fn tasks_are_told_apart() {
    nursery!(|n| {
        let tasks: Vec<Task> = (0..100).map(|_| n.spawn(wait_for_ever).task()).collect();
        let ids: HashSet<u64> = tasks.iter().map(Task::id).collect();
        let set: HashSet<Task> = tasks.iter().cloned().collect();
        assert_eq!((ids.len(), set.len()), (100, 100));
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn a_task_tells_why_it_is_cancelled() {
    nursery!(|n| {
        let task = n.spawn(wait_for_ever).task();
        assert!(task.cancel_reason().is_none());
        n.cancel_scope().cancel_with_reason("enough");
        assert_eq!(task.cancel_reason().unwrap().text(), Some("enough"));
    })
    .unwrap();
}

// Tracebacks.

#[trio::task]
async fn outermost(log: &RefCell<Vec<u8>>) {
    log.borrow_mut().push(1);
    middle(log).await; // await middle
}

#[trio::task]
async fn middle(log: &RefCell<Vec<u8>>) {
    log.borrow_mut().push(2);
    let in_block = async {
        log.borrow_mut().push(3);
        innermost().await; // await innermost
    };
    in_block.await; // await block
}

#[trio::task]
async fn innermost() {
    sleep_forever().await; // await for ever
}

// T180
#[trio::test]
async fn a_traceback_goes_from_the_outermost_call_to_what_is_waited_for() {
    let log = RefCell::default();
    let task = nursery!(|n| {
        let task = n.spawn(outermost, &log).task();
        assert!(task.traceback().is_empty(), "it has not begun");
        wait_all_tasks_blocked().await;
        let trace = task.traceback();
        let found: Vec<_> =
            trace.iter().map(|site| (site.function(), site.line(), site.expression())).collect();
        assert_eq!(
            found,
            [
                ("outermost", line("await middle"), "middle(log)"),
                ("middle", line("await block"), "in_block"),
                ("middle", line("await innermost"), "innermost()"),
                ("innermost", line("await for ever"), "sleep_forever()"),
            ]
        );
        assert!(trace.iter().all(|site| site.file() == file!()));
        assert_eq!(task.waits_for(), "ever");
        n.cancel();
        task
    })
    .unwrap();
    assert!(task.traceback().is_empty(), "it is over");
    assert_eq!(task.waits_for(), "");
}

#[trio::test]
async fn a_traceback_follows_the_task() {
    #[trio::task]
    async fn moves_on(place: &Cell<Option<trio::lowlevel::Resumer<()>>>) {
        let wait = || {
            suspend(|resumer| {
                place.set(Some(resumer));
                || Abort::Succeeded
            })
        };
        wait().await; // first
        wait().await; // second
        nursery!(|_n| wait().await).unwrap(); // third
    }
    let place = Cell::new(None);
    nursery!(|n| {
        let task = n.spawn(moves_on, &place).task();
        for mark in ["first", "second"] {
            wait_all_tasks_blocked().await;
            let trace = task.traceback();
            assert_eq!(trace.len(), 1, "{trace:?}");
            assert_eq!(trace[0].line(), line(mark));
            assert_eq!(task.waits_for(), "a resumer");
            place.take().unwrap().resume(());
        }
        wait_all_tasks_blocked().await;
        let trace = task.traceback();
        let expressions: Vec<_> = trace.iter().map(|site| site.expression()).collect();
        assert_eq!(expressions, ["nursery!", "wait()"]);
        place.take().unwrap().resume(());
    })
    .unwrap();
}

#[trio::test]
async fn the_running_task_has_no_traceback() {
    assert!(current_task().traceback().is_empty());
    assert_eq!(current_task().waits_for(), "");
    checkpoint().await;
}

// The task tree.

#[trio::task]
async fn worker() {
    sleep_forever().await // worker waits
}

#[trio::task]
async fn manager() {
    let manage = async {
        nursery!(|outer| {
            // nursery outer
            outer.spawn_named("first", worker); // spawn first
            nursery!(|inner| {
                // nursery inner
                inner.spawn_named("second", worker); // spawn second
                inner.spawn_named("third", worker); // spawn third
            })
            .unwrap();
        })
        .unwrap();
    };
    move_on_after(PATIENCE, manage).await; // manager waits
}

// A13
#[trio::test(clock = "mock")]
async fn the_task_tree_shows_every_task_with_its_nurseries_and_scopes_in_place() {
    nursery!(|n| {
        n.spawn(manager); // spawn manager
        wait_all_tasks_blocked().await;
        let file = file!();
        let at = |mark| format!("{file}:{}", line(mark));
        let before = |mark| format!("{file}:{}", line(mark) - 1);
        let expected = format!(
            "\
task `{main}` ({test}), running
│  task `manager` ({spawn_manager}), waits for its children
│  │    {manager_waits}:37 in `manager`: move_on_after(PATIENCE, manage).await
│  │      (move_on, deadline in 10s)
│  │    {outer}:9 in `manager`: nursery, 1 child
│  │    {inner}:13 in `manager`: nursery, 2 children
│  │  task `first` ({first}), waits for ever
│  │  │    {worker}:21 in `worker`: sleep_forever().await
│  │  task `second` ({second}), waits for ever
│  │  │    {worker}:21 in `worker`: sleep_forever().await
│  │  task `third` ({third}), waits for ever
│  │  │    {worker}:21 in `worker`: sleep_forever().await
",
            main = current_task().name(),
            test = format_args!("{file}:{}", current_task().spawned_at().line()),
            spawn_manager = at("spawn manager"),
            manager_waits = at("manager waits"),
            outer = before("nursery outer"),
            inner = before("nursery inner"),
            first = at("spawn first"),
            second = at("spawn second"),
            third = at("spawn third"),
            worker = at("worker waits"),
        );
        assert_eq!(task_tree(), expected);
        n.cancel();
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn the_task_tree_tells_shields_cancellations_and_who_is_runnable() {
    #[trio::task]
    async fn shielded(scope: &CancelScope) {
        scope.run(|| sleep(100 * SECOND)).await;
    }
    let scope = CancelScope::new().shielded(true);
    nursery!(|n| {
        n.spawn(shielded, &scope);
        wait_all_tasks_blocked().await;
        n.spawn(wait_for_ever);
        n.cancel_scope().cancel_with_reason("to see it");
        let tree = task_tree();
        for part in [
            "(cancel scope, shielded)",
            "task `shielded`",
            "task `wait_for_ever`",
            ", runnable",
            "[cancelled",
        ] {
            assert!(tree.contains(part), "`{part}` is not in\n{tree}");
        }
        scope.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn the_task_tree_shows_a_start_in_progress_below_its_caller() {
    #[trio::task]
    async fn slow(status: trio::TaskStatus<()>) {
        let _status = status;
        sleep_forever().await
    }
    #[trio::task]
    async fn starter(n: trio::Nursery<'_>) {
        let _ = n.start(slow).await;
    }
    nursery!(|n| {
        n.spawn(starter, n);
        wait_all_tasks_blocked().await;
        let tree = task_tree();
        let lines: Vec<&str> = tree.lines().collect();
        assert!(lines[1].starts_with("│  task `starter`"), "{tree}");
        assert!(lines[1].ends_with("waits for a task to call `started`"), "{tree}");
        assert!(lines.iter().any(|line| line.starts_with("│  │  task `slow`")), "{tree}");
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn the_task_tree_can_be_printed_by_a_callback() {
    let (sender, receiver) = std::sync::mpsc::channel();
    current_trio_token().call_soon(move || sender.send(task_tree()).unwrap()).unwrap();
    wait_all_tasks_blocked().await;
    let tree = receiver.recv().unwrap();
    assert!(tree.contains("waits for all other tasks to be blocked"), "{tree}");
    assert!(tree.contains("wait_all_tasks_blocked().await"), "{tree}");
}

// Statistics.

// A11
#[trio::test(clock = "mock")]
async fn statistics_count_what_there_is_now() {
    let quiet = statistics();
    assert_eq!((quiet.tasks_living, quiet.tasks_runnable), (1, 0));
    assert_eq!(quiet.call_soon_queue_size, 0);
    assert_eq!((quiet.time_to_next_deadline, quiet.deadlines), (None, 0));
    assert_eq!((quiet.tasks_waiting_read, quiet.tasks_waiting_write), (0, 0));
    nursery!(|n| {
        n.spawn(wait_for_ever);
        n.spawn(wait_for_ever);
        let spawned = statistics();
        assert_eq!((spawned.tasks_living, spawned.tasks_runnable), (3, 2));
        wait_all_tasks_blocked().await;
        let blocked = statistics();
        assert_eq!((blocked.tasks_living, blocked.tasks_runnable), (3, 0));
        n.cancel();
    })
    .unwrap();
    assert_eq!(statistics().tasks_living, 1);
}

// A11
#[trio::test]
async fn statistics_count_both_kinds_of_callbacks() {
    let token = current_trio_token();
    for _ in 0..3 {
        token.call_soon(|| ()).unwrap();
        token.call_soon_idempotent(1, || ()).unwrap();
    }
    assert_eq!(statistics().call_soon_queue_size, 4);
    wait_all_tasks_blocked().await;
    assert_eq!(statistics().call_soon_queue_size, 0);
}

// A11
#[trio::test(clock = "mock")]
async fn statistics_tell_the_next_deadline_while_its_scope_is_open() {
    let inside = async {
        let time = statistics().time_to_next_deadline;
        let scope = CancelScope::with_deadline(current_time() + SECOND);
        let nested = scope.run(async { statistics().time_to_next_deadline }).await;
        (time, nested)
    };
    let (outer, inner) = move_on_after(5 * SECOND, inside).await.unwrap();
    assert_eq!(outer, Some(5 * SECOND));
    assert_eq!(inner, Some(Some(SECOND)));
    assert_eq!(statistics().time_to_next_deadline, None);
    // Of another task, which sleeps.
    nursery!(|n| {
        n.spawn(sleep, 7 * SECOND);
        wait_all_tasks_blocked().await;
        assert_eq!(statistics().time_to_next_deadline, Some(7 * SECOND));
        assert_eq!(statistics().deadlines, 1);
        n.cancel();
    })
    .unwrap();
    assert_eq!(statistics().deadlines, 0);
}

// A11
#[trio::test]
async fn statistics_count_those_who_wait_for_descriptors() {
    #[trio::task]
    async fn wait_readable(socket: &std::os::unix::net::UnixStream) -> std::io::Result<()> {
        trio::lowlevel::wait_readable(socket).await
    }
    let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
    one.set_nonblocking(true).unwrap();
    nursery!(|n| {
        n.spawn(wait_readable, &one);
        wait_all_tasks_blocked().await;
        let now = statistics();
        assert_eq!((now.tasks_waiting_read, now.tasks_waiting_write), (1, 0));
        std::io::Write::write_all(&mut &other, b"x").unwrap();
    })
    .unwrap();
    assert_eq!(statistics().tasks_waiting_read, 0);
}
