//! Calls that stop the thread, and with it every task: known by their names.

use syn::{Expr, ExprCall, ExprMethodCall};

use super::paths::{self, ends_in};
use crate::levels::Levels;
use crate::report::Report;
use crate::rules::{self, Rule};

/// Reports a call that blocks, starts what nobody waits for, or runs another runtime. What is awaited
/// has been looked at before, and is not asked about.
pub fn call(expr: &Expr, levels: &Levels, report: &mut Report) {
    let found = match expr {
        Expr::Call(call) => of_function(call).zip(paths::last(&call.func)),
        Expr::MethodCall(call) => of_method(call).map(|rule| (rule, &call.method)),
        _ => None,
    };
    if let Some((rule, name)) = found {
        report.rule(levels, rule, name, &[]);
    }
}

/// Whether closures given to this call run in another thread.
pub fn runs_elsewhere(expr: &Expr) -> bool {
    const NAMES: [&str; 7] = [
        "run_in_worker_thread",
        "run_in_worker_process",
        "start_thread_soon",
        "spawn_blocking",
        "block_in_place",
        "unblock",
        "asyncify",
    ];
    const WORKERS: [&str; 2] = ["WorkerThread", "AbandonableThread"];
    match expr {
        Expr::Call(call) => {
            let names = paths::of(&call.func);
            names.last().is_some_and(|last| NAMES.contains(&last.as_str()))
                || ends_in(&names, &["thread", "spawn"])
                || ends_in(&names, &["thread", "scope"])
        }
        Expr::MethodCall(call) => {
            NAMES.iter().any(|name| call.method == name)
                || (call.method == "spawn" && begins_with(expr, &["thread", "Builder", "new"]))
                || (call.method == "run"
                    && WORKERS.iter().any(|worker| begins_with(expr, &[worker, "new"])))
        }
        _ => false,
    }
}

fn of_function(call: &ExprCall) -> Option<&'static Rule> {
    let names = paths::of(&call.func);
    let names: &[String] = &names;
    let is = |suffixes: &[&[&str]]| suffixes.iter().any(|suffix| ends_in(names, suffix));
    if is_spawn(names) {
        return Some(rules::UNSTRUCTURED_SPAWN);
    }
    if is(&[&["trio", "run"], &["block_on"]]) {
        return Some(rules::NESTED_RUNTIME);
    }
    if paths::is_of_async_crate(names) {
        return None;
    }
    if is(&[&["thread", "sleep"], &["thread", "sleep_ms"]]) {
        return Some(rules::BLOCKING_SLEEP);
    }
    if is_of_files(names) {
        return Some(rules::BLOCKING_FS);
    }
    if is(&[&["io", "read_to_string"]]) && call.args.first().is_some_and(is_stdin) {
        return Some(rules::BLOCKING_STDIN);
    }
    if is_of_net(names) {
        return Some(rules::BLOCKING_NET);
    }
    let stops_thread = is(&[
        &["thread", "park"],
        &["thread", "park_timeout"],
        &["thread", "scope"],
        &["JoinHandle", "join"],
        &["Barrier", "wait"],
        &["Condvar", "wait"],
        &["Condvar", "wait_while"],
        &["Condvar", "wait_timeout"],
        &["mpsc", "Receiver", "recv"],
        &["mpsc", "Receiver", "recv_timeout"],
    ]);
    stops_thread.then_some(rules::BLOCKING_SYNC)
}

/// `tokio::spawn(…)`, `std::thread::spawn(…)` and their like.
fn is_spawn(names: &[String]) -> bool {
    let [.., module, function] = names else {
        return false;
    };
    match function.as_str() {
        "spawn" => ["thread", "task", "tokio", "async_std", "smol", "actix_rt"],
        "spawn_local" => ["task", "tokio", "async_std", "actix_rt", "spawn_local", "glommio"],
        _ => return false,
    }
    .contains(&module.as_str())
}

/// The functions of `std::fs` that talk to the disk.
fn is_of_files(names: &[String]) -> bool {
    const FUNCTIONS: [&str; 24] = [
        "canonicalize",
        "copy",
        "create_dir",
        "create_dir_all",
        "exists",
        "hard_link",
        "metadata",
        "read",
        "read_dir",
        "read_link",
        "read_to_string",
        "remove_dir",
        "remove_dir_all",
        "remove_file",
        "rename",
        "set_permissions",
        "soft_link",
        "symlink",
        "symlink_metadata",
        "write",
        "open",
        "create",
        "create_new",
        "set_times",
    ];
    let [.., module, function] = names else {
        return false;
    };
    match module.as_str() {
        "fs" => FUNCTIONS.contains(&function.as_str()),
        "File" => ["open", "create", "create_new"].contains(&function.as_str()),
        _ => false,
    }
}

/// Connections of `std::net`, and clients that say that they block.
fn is_of_net(names: &[String]) -> bool {
    let [first, inner @ .., last] = names else {
        return false;
    };
    let of_std = first == "std" && inner.first().is_some_and(|module| module == "net");
    let connects = last == "connect" || last == "connect_timeout";
    (of_std && connects) || first == "ureq" || inner.iter().any(|module| module == "blocking")
}

fn of_method(call: &ExprMethodCall) -> Option<&'static Rule> {
    const READS: [&str; 8] =
        ["read_line", "lines", "read", "read_exact", "read_to_end", "read_until", "bytes", "split"];
    const ENDS: [&str; 4] = ["output", "status", "wait", "wait_with_output"];
    const ASKS: [&str; 10] = [
        "exists",
        "try_exists",
        "is_file",
        "is_dir",
        "is_symlink",
        "metadata",
        "symlink_metadata",
        "canonicalize",
        "read_link",
        "read_dir",
    ];
    let method = call.method.to_string();
    let method = method.as_str();
    if method == "block_on" {
        return Some(rules::NESTED_RUNTIME);
    }
    if method == "to_socket_addrs" {
        return Some(rules::BLOCKING_NET);
    }
    if (READS.contains(&method) || method == "read_to_string") && is_stdin(&call.receiver) {
        return Some(rules::BLOCKING_STDIN);
    }
    if ENDS.contains(&method) && is_command(&call.receiver) {
        return Some(rules::BLOCKING_PROCESS);
    }
    if (method == "open" && opens_files(&call.receiver))
        || (method == "create" && begins_with(&call.receiver, &["DirBuilder", "new"]))
    {
        return Some(rules::BLOCKING_FS);
    }
    if ASKS.contains(&method) && call.args.is_empty() {
        return Some(rules::BLOCKING_PATH_METHOD);
    }
    None
}

/// `stdin()`, by any path of the standard library, also when it is locked.
fn is_stdin(expr: &Expr) -> bool {
    begins_with(expr, &["stdin"])
}

fn opens_files(expr: &Expr) -> bool {
    begins_with(expr, &["OpenOptions", "new"]) || begins_with(expr, &["File", "options"])
}

fn is_command(expr: &Expr) -> bool {
    begins_with(expr, &["Command", "new"])
}

fn begins_with(expr: &Expr, suffix: &[&str]) -> bool {
    let names = paths::root(expr).map(|call| paths::of(&call.func)).unwrap_or_default();
    ends_in(&names, suffix) && !paths::is_of_async_crate(&names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn found(expr: Expr) -> String {
        let mut report = Report::default();
        call(&expr, &Levels::default(), &mut report);
        report.warned().concat()
    }

    #[test]
    fn blocking_calls_are_known_by_the_end_of_their_path() {
        let cases: [(Expr, &str); 17] = [
            (parse_quote!(std::thread::sleep(d)), "blocking_sleep"),
            (parse_quote!(thread::sleep(d)), "blocking_sleep"),
            (parse_quote!(std::io::stdin().lock().read_line(&mut s)), "blocking_stdin"),
            (parse_quote!(fs::read(p)), "blocking_fs"),
            (parse_quote!(std::fs::File::open(p)), "blocking_fs"),
            (parse_quote!(OpenOptions::new().read(true).open(p)), "blocking_fs"),
            (parse_quote!(fs::File::options().write(true).open(p)), "blocking_fs"),
            (parse_quote!(std::thread::scope(|s| f(s))), "blocking_sync"),
            (parse_quote!(Command::new("x").arg("y").output()), "blocking_process"),
            (parse_quote!(Command::new("x").spawn()?.wait()), "blocking_process"),
            (parse_quote!(std::net::TcpStream::connect(a)), "blocking_net"),
            (parse_quote!(reqwest::blocking::get(u)), "blocking_net"),
            (parse_quote!(std::thread::park()), "blocking_sync"),
            (parse_quote!(tokio::spawn(f())), "unstructured_spawn"),
            (parse_quote!(std::thread::spawn(f)), "unstructured_spawn"),
            (parse_quote!(trio::run(f)), "nested_runtime"),
            (parse_quote!(futures::executor::block_on(f)), "nested_runtime"),
        ];
        for (expr, expected) in cases {
            assert_eq!(found(expr), expected);
        }
    }

    #[test]
    fn what_only_sounds_like_it_passes() {
        let cases: [Expr; 16] = [
            parse_quote!(OpenOptions::new().read(true)),
            parse_quote!(tokio::fs::OpenOptions::new().open(p)),
            parse_quote!(File::options()),
            parse_quote!(trio::sleep(d)),
            parse_quote!(sleep(d)),
            parse_quote!(trio::fs::read(p)),
            parse_quote!(Path::new("a").join("b")),
            parse_quote!(path.exists()),
            parse_quote!(Command::new("x").spawn()),
            parse_quote!(child.wait()),
            parse_quote!(std::net::SocketAddr::from(x)),
            parse_quote!(["a", "b"].join(",")),
            parse_quote!(rx.recv()),
            parse_quote!(n.spawn(f)),
            parse_quote!(builder.run(f)),
            parse_quote!(blocking::unblock(f)),
        ];
        for expr in cases {
            assert_eq!(found(expr), "");
        }
    }

    #[test]
    fn the_closure_of_another_thread_runs_elsewhere() {
        assert!(runs_elsewhere(&parse_quote!(std::thread::spawn(f))));
        assert!(runs_elsewhere(&parse_quote!(trio::run_in_worker_thread(f))));
        assert!(runs_elsewhere(&parse_quote!(trio::lowlevel::start_thread_soon(f, g))));
        assert!(runs_elsewhere(&parse_quote!(WorkerThread::new().name("disk").run(f))));
        assert!(runs_elsewhere(&parse_quote!(thread::AbandonableThread::new().run(f))));
        assert!(runs_elsewhere(&parse_quote!(thread::Builder::new().name(s).spawn(f))));
        assert!(!runs_elsewhere(&parse_quote!(Command::new("x").spawn())));
        assert!(!runs_elsewhere(&parse_quote!(n.spawn(f))));
    }
}
