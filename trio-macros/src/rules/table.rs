//! The table itself: a name, how hard the rule is, what is said, and how it looks.

use super::{Rule, Severity};

macro_rules! rules {
    ($($constant:ident = $name:literal, $severity:ident, $message:literal, help $help:literal,
       bad $bad:literal, good $good:literal;)*) => {
        $(
            #[allow(dead_code, reason = "some rules are held by the types alone")]
            pub static $constant: &Rule = &Rule {
                name: $name,
                severity: Severity::$severity,
                message: $message,
                help: $help,
                bad: $bad,
                good: $good,
            };
        )*

        /// Every rule.
        pub static RULES: &[&Rule] = &[$($constant),*];
    };
}

rules! {
    // Spawning: the thunk convention.
    SPAWN_CALLED = "spawn_called", Error,
        "`{0}` calls `{1}` before it is given away",
        help "pass the function and its arguments separately: `{2}`",
        bad "n.spawn(child(1));", good "n.spawn(child, 1);";
    SPAWN_METHOD_CALLED = "spawn_method_called", Error,
        "`{0}` calls `{1}` before it is given away",
        help "write `{2}`",
        bad "n.spawn(self.serve());", good "n.spawn(Self::serve, self);";
    SPAWN_AWAITED = "spawn_awaited", Error,
        "`{0}` cannot be awaited",
        help "`{0}` is the one operation that runs synchronously: remove `.await` (to wait for the task: `.wait().await`)",
        bad "n.spawn(child, 1).await;", good "n.spawn(child, 1).wait().await;";
    NOT_A_THUNK = "not_a_thunk", Types,
        "this is not an async function: it is already called, or it is not async",
        help "pass an async function and its arguments separately: `n.spawn(child, arg)`, not `n.spawn(child(arg))`",
        bad "let call = child(1);\nn.spawn(call);", good "n.spawn(child, 1);";
    SPAWN_SYNC_FUNCTION = "spawn_sync_function", Types,
        "only async functions can be spawned",
        help "do the work before, or in the task: `n.spawn(child, compute(1))`",
        bad "n.spawn(compute, 1);",
        good "n.spawn(child, compute(1));\ntrio::thread::run_in_worker_thread(compute, 1).await;";
    SPAWN_ARITY = "spawn_arity", Types,
        "the function takes another number of arguments",
        help "give it as many as it has parameters",
        bad "n.spawn(child);", good "n.spawn(child, 1);";
    SPAWN_ARGUMENT = "spawn_argument", Types,
        "an argument has the wrong type",
        help "the compiler marks the argument",
        bad "n.spawn(child, \"one\");", good "n.spawn(child, 1);";
    THREAD_CALLED = "thread_called", Error,
        "`{0}` calls `{1}` in this thread, before it is given to the other one",
        help "pass the function and its arguments separately: `{2}`",
        bad "run_in_worker_thread(blocking(x)).await;", good "run_in_worker_thread(blocking, x).await;";
    JOIN_FOR_RESULT = "join_for_result", Types,
        "a task in a nursery is not joined",
        help "the nursery waits for it and passes its error on; to wait here, too, write `handle.wait().await`, and to catch the error use `n.spawn_monitored(f, a)`",
        bad "n.spawn(child, 1).join();", good "n.spawn(child, 1).wait().await;";
    START_NOT_AWAITED = "start_not_awaited", Error,
        "`start` does nothing until awaited",
        help "add `.await`: `start` waits until the task calls `started()`",
        bad "n.start(server, 1);", good "let port = n.start(server, 1).await?;";
    BORROWED_FROM_BODY = "borrowed_from_body", Types,
        "the variable is gone before the nursery has waited for its tasks",
        help "make it outside of the nursery, or move it into the task",
        bad "nursery!(|n| {\n    let name = String::new();\n    n.spawn(greet, &name);\n})",
        good "let name = String::new();\nnursery!(|n| {\n    n.spawn(greet, &name);\n})";
    NURSERY_ESCAPES = "nursery_escapes", Types,
        "a nursery cannot outlive what its tasks borrow, nor leave its thread",
        help "use it inside, and pass it to functions and tasks that run there; after its block it is closed, and spawning panics",
        bad "let kept: RefCell<Option<Nursery<'static>>> = RefCell::new(None);\nnursery!(|n| {\n    n.spawn(greet, &name);\n    kept.replace(Some(n));\n})",
        good "nursery!(|n| {\n    n.spawn(greet, &name);\n    n.spawn(child_that_spawns, n);\n})";
    USELESS_NURSERY = "useless_nursery", Warning,
        "this nursery runs one task and waits for it",
        help "call the function and await it: `child(1).await`",
        bad "nursery!(|n| {\n    n.spawn(child, 1);\n})?;", good "child(1).await;";
    UNUSED_NURSERY = "unused_nursery", Warning,
        "nothing is spawned in this nursery",
        help "remove it, or name it `_n` if that is what you want",
        bad "nursery!(|n| {\n    work().await;\n})?;", good "work().await;";
    SPAWN_STARTABLE = "spawn_startable", Types,
        "a function that reports when it has started has one parameter more",
        help "use `n.start(serve, port).await`, so that the server listens before you go on",
        bad "n.spawn(serve, 80);", good "n.start(serve, 80).await?;";
    NEVER_STARTED = "never_started", Error,
        "this task never says that it has started",
        help "call `{0}.started(value)`: `start` waits for it",
        bad "async fn serve(status: TaskStatus<u16>) {\n    work().await\n}",
        good "async fn serve(status: TaskStatus<u16>) {\n    status.started(80);\n    work().await\n}";
    UNSTRUCTURED_SPAWN = "unstructured_spawn", Warning,
        "this outlives the nursery it is started in, and nobody waits for it",
        help "use `n.spawn(f, args)`; for blocking code `trio::thread::run_in_worker_thread(f, args).await`",
        bad "std::thread::spawn(|| work());", good "n.spawn(task);";

    // Everything else must be awaited. The texts stand on the traits of `__private::unawaited`.
    UNAWAITED_STATEMENT = "unawaited_statement", Error,
        "tasks do nothing until awaited",
        help "add `.await`, or give the function to a nursery: `n.spawn(f, args)`",
        bad "child(1);", good "child(1).await;";
    UNAWAITED_BLOCK = "unawaited_block", Error,
        "this `async` block never runs",
        help "add `.await` after it, or spawn it in a nursery: `n.spawn(async { … })`",
        bad "async { child(1).await };", good "async { child(1).await }.await;";
    UNAWAITED_LET_UNDERSCORE = "unawaited_let_underscore", Error,
        "`_ =` drops this operation without running it",
        help "add `.await`: tasks do nothing until awaited",
        bad "let _ = child(1);", good "let _ = child(1).await;";
    UNAWAITED_DEAD_BINDING = "unawaited_dead_binding", Error,
        "this operation is kept in a variable that is never used, so it never runs",
        help "add `.await`: tasks do nothing until awaited",
        bad "let _job = child(1);", good "let _job = child(1).await;";
    UNAWAITED_DROP = "unawaited_drop", Error,
        "this drops an operation without running it",
        help "add `.await`: tasks do nothing until awaited",
        bad "drop(child(1));", good "drop(child(1).await);";
    TRY_BEFORE_AWAIT = "try_before_await", Error,
        "`?` looks at the result of this operation before it has run",
        help "add `.await` before `?`",
        bad "let page = fetch(url)?;", good "let page = fetch(url).await?;";
    UNAWAITED_IN_FORMAT = "unawaited_in_format", Error,
        "this formats an operation that has not run",
        help "add `.await`",
        bad "println!(\"{}\", number(1));", good "println!(\"{}\", number(1).await);";
    UNAWAITED_TAIL = "unawaited_tail", Error,
        "this block gives back an operation that has not run",
        help "add `.await`",
        bad "n.spawn(async { child(1) });", good "n.spawn(async { child(1).await });";
    AWAIT_NOT_ASYNC = "await_not_async", Types,
        "`{0}` cannot be awaited",
        help "remove `.await`, if this is already the value",
        bad "let sum = add(1, 2).await;", good "let sum = add(1, 2);";
    AWAIT_IN_SYNC = "await_in_sync", Types,
        "`await` works inside of `async` functions, blocks and closures only",
        help "make it `async` and mark it `#[trio::task]`",
        bad "let f = |x| child(x).await;", good "let f = async |x| child(x).await;";
    UNBOXED_RECURSION = "unboxed_recursion", Types,
        "recursion in an async block requires boxing",
        help "mark the function `#[trio::task(boxed)]`, or box the call: `Box::pin(f(n - 1)).await`",
        bad "#[trio::task]\nasync fn count(tree: &Tree) -> usize {\n    … count(child).await …\n}",
        good "#[trio::task(boxed)]\nasync fn count(tree: &Tree) -> usize {\n    … count(child).await …\n}";
    NESTED_RUNTIME = "nested_runtime", Warning,
        "this blocks the run that this task belongs to; a second run inside it panics",
        help "await the function instead: `f().await`",
        bad "trio::run(child);", good "child().await;";

    // Placement and signature.
    TASK_NOT_ASYNC = "task_not_async", Structure,
        "`#[trio::{0}]` goes on an `async fn`",
        help "add `async`: `async fn {1}`",
        bad "#[trio::task]\nfn work() {}", good "#[trio::task]\nasync fn work() {}";
    TASK_ON_WRONG_ITEM = "task_on_wrong_item", Structure,
        "`#[trio::{0}]` goes on an `async fn`, not on this `{1}`",
        help "mark the functions inside it, one by one",
        bad "#[trio::task]\nimpl Server {\n    async fn serve(&self) {}\n}",
        good "impl Server {\n    #[trio::task]\n    async fn serve(&self) {}\n}";
    TASK_WITHOUT_BODY = "task_without_body", Structure,
        "this function has no body",
        help "`#[trio::{0}]` needs one to run",
        bad "trait Program {\n    #[trio::main]\n    async fn main();\n}", good "#[trio::main]\nasync fn main() {}";
    TASK_CONST = "task_const", Structure,
        "a task function cannot be `const`",
        help "remove `const`",
        bad "#[trio::task]\nconst async fn work() {}", good "#[trio::task]\nasync fn work() {}";
    TASK_EXTERN = "task_extern", Structure,
        "a task function cannot be `extern`",
        help "remove `extern`: other languages cannot call it",
        bad "#[trio::task]\nasync extern \"C\" fn work() {}", good "#[trio::task]\nasync fn work() {}";
    TASK_VARIADIC = "task_variadic", Structure,
        "a task function cannot be variadic",
        help "take a slice",
        bad "#[trio::task]\nasync unsafe fn work(args: ...) {}", good "#[trio::task]\nasync fn work(args: &[u32]) {}";
    MAIN_WITH_ARGUMENTS = "main_with_arguments", Structure,
        "the {0} function takes no arguments",
        help "{1}",
        bad "#[trio::main]\nasync fn main(name: String) {}",
        good "#[trio::main]\nasync fn main() {\n    let name = std::env::args().nth(1);\n}";
    MAIN_GENERIC = "main_generic", Structure,
        "the {0} function cannot be generic",
        help "remove the parameters: nobody could say what they are",
        bad "#[trio::main]\nasync fn main<T>() {}", good "#[trio::main]\nasync fn main() {}";
    MAIN_RESULT = "main_result", Types,
        "`main` cannot report this type",
        help "return `()`, an `ExitCode`, or a `Result` of them",
        bad "#[trio::main]\nasync fn main() -> Page { … }", good "#[trio::main]\nasync fn main() -> trio::Result<()> { … }";
    UNKNOWN_OPTION = "unknown_option", Structure,
        "unknown option `{0}`{1}",
        help "expected one of: {2}",
        bad "#[trio::test(clok = \"mock\")]", good "#[trio::test(clock = \"mock\")]";
    MALFORMED_OPTION = "malformed_option", Structure,
        "malformed option `{0}`",
        help "write `{1}`",
        bad "#[trio::test(seed = x)]", good "#[trio::test(seed = 7)]";
    DUPLICATE_OPTION = "duplicate_option", Structure,
        "the option `{0}` is given twice",
        help "remove one",
        bad "#[trio::task(boxed, boxed)]", good "#[trio::task(boxed)]";
    DUPLICATE_ATTRIBUTE = "duplicate_attribute", Structure,
        "`#[{0}]` and `#[trio::{1}]` cannot be on the same function",
        help "remove one of them",
        bad "#[trio::test]\n#[test]\nasync fn works() {}", good "#[trio::test]\nasync fn works() {}";
    UNKNOWN_RULE = "unknown_rule", Structure,
        "unknown rule `{0}`{1}",
        help "known rules: {2}",
        bad "#[trio(allow(bussy_wait))]", good "#[trio(allow(busy_wait))]";
    FIXED_RULE = "fixed_rule", Structure,
        "the rule `{0}` cannot be switched off",
        help "change the code as the error says; `docs/rules.md` has an example",
        bad "#[trio(allow(control_flow_in_nursery))]", good "#[trio(allow(busy_wait))]";
    TIMEOUT_PARAMETER = "timeout_parameter", Warning,
        "a function with a `timeout` of its own decides for its callers",
        help "remove the parameter and let the caller say it: `trio::fail_after(limit, || f()).await`",
        bad "async fn get(url: &str, timeout: Duration) -> Page { … }", good "async fn get(url: &str) -> Page { … }";
    UNMARKED_INNER_ASYNC = "unmarked_inner_async", Warning,
        "this function is not checked, and is a plain future",
        help "mark it `#[trio::task]`",
        bad "async fn inner() { … }", good "#[trio::task]\nasync fn inner() { … }";

    // Cancellation points.
    NEVER_AWAITS = "never_awaits", Error,
        "this function never awaits",
        help "make it a plain `fn`: a task function without a cancellation point only blocks the others",
        bad "#[trio::task]\nasync fn add(a: u32, b: u32) -> u32 {\n    a + b\n}", good "fn add(a: u32, b: u32) -> u32 {\n    a + b\n}";
    NO_CHECKPOINT_ON_PATH = "no_checkpoint_on_path", Error,
        "{0} can be reached without a cancellation point",
        help "add `trio::lowlevel::checkpoint().await` {1}",
        bad "#[trio::task(strict)]\nasync fn get(key: u32) -> Page {\n    if let Some(page) = cached(key) {\n        return page;\n    }\n    fetch(key).await\n}",
        good "#[trio::task(strict)]\nasync fn get(key: u32) -> Page {\n    trio::lowlevel::checkpoint().await;\n    if let Some(page) = cached(key) {\n        return page;\n    }\n    fetch(key).await\n}";
    ENDLESS_LOOP_NO_CHECKPOINT = "endless_loop_no_checkpoint", Error,
        "this loop can never be cancelled",
        help "add `trio::lowlevel::checkpoint().await` at the top of its body",
        bad "loop {\n    step();\n}", good "loop {\n    trio::lowlevel::checkpoint().await;\n    step();\n}";
    LOOP_MAYBE_NO_CHECKPOINT = "loop_maybe_no_checkpoint", Warning,
        "this loop can go round without a cancellation point, and then no other task runs",
        help "add `trio::lowlevel::checkpoint().await` at the top of its body",
        bad "loop {\n    if queue.is_empty() {\n        continue;\n    }\n    serve(&queue).await;\n}",
        good "loop {\n    trio::lowlevel::checkpoint().await;\n    if queue.is_empty() {\n        continue;\n    }\n    serve(&queue).await;\n}";
    SCOPE_WITHOUT_CHECKPOINT = "scope_without_checkpoint", Error,
        "nothing in this scope can be cancelled",
        help "remove `{0}`, or add `trio::lowlevel::checkpoint().await` to its body",
        bad "trio::move_on_after(limit, async { compute() }).await", good "compute()";
    SCOPE_NO_GUARANTEED_CHECKPOINT = "scope_no_guaranteed_checkpoint", OptIn,
        "this scope can reach its end without a cancellation point",
        help "add `trio::lowlevel::checkpoint().await` at the top of its body",
        bad "trio::fail_after(limit, async {\n    if stale {\n        fetch().await;\n    }\n})\n.await?;",
        good "if stale {\n    trio::fail_after(limit, async { fetch().await }).await?;\n}";
    BUSY_WAIT = "busy_wait", Warning,
        "this loop asks again and again instead of waiting",
        help "wait for a `trio::sync::Event`: `ready.wait().await`; whoever changes the condition calls `ready.set()`",
        bad "while !ready.get() {\n    trio::sleep(pause).await;\n}", good "ready.wait().await;";
    ZERO_SLEEP = "zero_sleep", Warning,
        "this sleeps for no time",
        help "to let the others run write `trio::lowlevel::checkpoint().await`",
        bad "trio::sleep(Duration::ZERO).await;", good "trio::lowlevel::checkpoint().await;";
    LONG_SLEEP = "long_sleep", Warning,
        "this sleeps for more than a day",
        help "to wait until cancelled write `trio::sleep_forever().await`",
        bad "trio::sleep(Duration::MAX).await;", good "trio::sleep_forever().await;";
    RAW_SELECT = "raw_select", Warning,
        "`select!` drops the futures that lose in the middle of their work",
        help "use `trio::race!`, which stops the others in good order, or a nursery that the first one cancels",
        bad "tokio::select! {\n    a = left() => a,\n    b = right() => b,\n}",
        good "trio::race!(left(), right()).await";

    // Held across an await. Found by clippy.
    STD_LOCK_ACROSS_AWAIT = "std_lock_across_await", Error,
        "the guard of a lock of the standard library is held across an `.await`",
        help "release the guard before, or use `trio::sync::Lock`, which other tasks can wait for",
        bad "let guard = shared.lock().unwrap();\nwork().await;\ndrop(guard);",
        good "shared.lock().unwrap().push(1);\nwork().await;";
    REFCELL_ACROSS_AWAIT = "refcell_across_await", Error,
        "a borrow of a `RefCell` is held across an `.await`",
        help "end the borrow before",
        bad "let mut list = cell.borrow_mut();\nwork().await;\nlist.push(1);",
        good "work().await;\ncell.borrow_mut().push(1);";

    // Blocking calls.
    BLOCKING_SLEEP = "blocking_sleep", Warning,
        "this stops all tasks, not just this one",
        help "use `trio::sleep(d).await`",
        bad "std::thread::sleep(d);", good "trio::sleep(d).await;";
    BLOCKING_STDIN = "blocking_stdin", Warning,
        "reading from the terminal stops all tasks until a line is there",
        help "read in a thread: `trio::thread::run_in_worker_thread(f, args).await`",
        bad "std::io::stdin().read_line(&mut line)?;",
        good "let line = trio::thread::run_in_worker_thread(read_line).await?;";
    BLOCKING_FS = "blocking_fs", Warning,
        "working with files stops all tasks until it is done",
        help "do it in a thread: `trio::thread::run_in_worker_thread(f, args).await`",
        bad "let text = std::fs::read_to_string(path)?;",
        good "let text = trio::thread::run_in_worker_thread(std::fs::read_to_string, path).await?;";
    BLOCKING_PATH_METHOD = "blocking_path_method", OptIn,
        "asking the file system stops all tasks until it answers",
        help "do it in a thread: `trio::thread::run_in_worker_thread(f, args).await`",
        bad "if path.exists() { … }", good "if trio::thread::run_in_worker_thread(|| path.exists()).await { … }";
    BLOCKING_PROCESS = "blocking_process", Warning,
        "waiting for a process stops all tasks until it is done",
        help "wait in a thread: `trio::thread::run_in_worker_thread(f, args).await`",
        bad "Command::new(\"ls\").output()?;",
        good "trio::thread::run_in_worker_thread(|| Command::new(\"ls\").output()).await?;";
    BLOCKING_NET = "blocking_net", Warning,
        "this stops all tasks until the other side answers",
        help "use `trio::net`, or do it in a thread: `trio::thread::run_in_worker_thread(f, args).await`",
        bad "std::net::TcpStream::connect(address)?;",
        good "trio::net::TcpStream::connect(address).await?;";
    BLOCKING_SYNC = "blocking_sync", Warning,
        "this stops the thread, and all tasks with it",
        help "use what tasks can wait for, as in `trio::sync`, or do it in a thread: `trio::thread::run_in_worker_thread(f, args).await`",
        bad "std::thread::park();", good "event.wait().await;";

    // Nurseries.
    CONTROL_FLOW_IN_NURSERY = "control_flow_in_nursery", Structure,
        "`{0}` cannot leave the body of a nursery",
        help "{1}",
        bad "nursery!(|n| {\n    n.spawn(child, 1);\n    if done { return }\n})?;",
        good "nursery!(|n| {\n    n.spawn(child, 1);\n    if done { n.cancel() }\n})?;";
    NURSERY_FORM = "nursery_form", Structure,
        "`nursery!` takes a closure of one argument{0}",
        help "write `nursery!(|n| { … })`",
        bad "nursery!({ work().await })?;", good "nursery!(|n| { n.spawn(work); n.spawn(work); })?;";
    NURSERY_OUTSIDE_TASK = "nursery_outside_task", Structure,
        "`nursery!` works inside a `#[trio::task]` function",
        help "mark the `async fn` around it `#[trio::task]`; closures and plain `async` blocks cannot have one",
        bad "async fn f() {\n    nursery!(|n| { n.spawn(work); n.spawn(work); }).unwrap();\n}",
        good "#[trio::task]\nasync fn f() {\n    nursery!(|n| { n.spawn(work); n.spawn(work); }).unwrap();\n}";
    ERRORS_THROWN_AWAY = "errors_thrown_away", Types,
        "an error group cannot be turned into the first of its errors",
        help "pass it on with `?`, take it apart with `split`, or ask for the only one with `into_single`",
        bad "return Err(group[0].into());", good "return Err(group.into());";
    POLLED_BY_HAND = "polled_by_hand", Types,
        "a call of a task function is no future: it can be awaited in a task only",
        help "mark the `async fn` around it `#[trio::task]`",
        bad "async fn f() {\n    child(1).await;\n}\nfutures.push(child(1));",
        good "#[trio::task]\nasync fn f() {\n    child(1).await;\n}\nn.spawn(child, 1);";
}
