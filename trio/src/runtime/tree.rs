//! The task tree in words.

use std::fmt::{self, Write as _};

use super::context;
use super::instant::Instant;
use super::node::{Kind, Node};
use super::run::Run;
use super::task::{Header, flag};
use super::trace::{self, SiteKind};

/// How deep the printed tree is indented; deeper tasks say how deep they are.
const MAX_INDENT: usize = 40;

/// Every task of the run, as a tree: each with its nurseries and cancel scopes in place, and the
/// file and line of every await from its outermost call down to what it waits for.
///
/// ```text
/// task `main` (src/main.rs:31), running
/// │  task `serve` (src/main.rs:33), waits for its children
/// │  │    src/main.rs:12:5 in `serve`: nursery, 1 child
/// │  │  task `connection` (src/main.rs:14), waits for a time
/// │  │  │    src/main.rs:22:43 in `connection`: move_on_after(LIMIT, answer).await
/// │  │  │      (move_on, deadline in 2s)
/// │  │  │    src/main.rs:20:29 in `connection`: sleep(pause).await
/// ```
///
/// # Panics
///
/// Outside a run.
#[track_caller]
pub fn task_tree() -> String {
    context::run(tree_of)
}

/// The tree of the tasks of a run.
pub(crate) fn tree_of(run: &Run) -> String {
    let mut out = String::new();
    write_tree(&mut out, run);
    out
}

fn write_tree(out: &mut String, run: &Run) {
    let now = run.clock().now();
    for (node, depth) in run.root().descendants_with_depth() {
        let Some(task) = node.header() else {
            continue;
        };
        let indent = "│  ".repeat(depth.min(MAX_INDENT));
        let at = task.spawned();
        let _ = write!(out, "{indent}");
        if depth > MAX_INDENT {
            let _ = write!(out, "({depth} deep) ");
        }
        let _ = writeln!(
            out,
            "task `{}` ({}:{}){}",
            task.name(),
            at.file(),
            at.line(),
            status_of(task)
        );
        write_frames(out, task, &indent, now);
    }
}

fn status_of(task: &Header) -> String {
    let mut status = String::new();
    if task.has(flag::RUNNING) {
        status.push_str(", running");
    } else if task.has(flag::QUEUED) {
        status.push_str(", runnable");
    } else if !task.waits_for().is_empty() {
        let _ = write!(status, ", waits for {}", task.waits_for());
    }
    // Why is said at the scope that was cancelled; looking for it here would be a walk for each task.
    if let Some(reason) = task.node().reason() {
        let _ = write!(status, " [{reason}]");
    } else if task.node().is_effectively_cancelled() {
        status.push_str(" [cancelled]");
    }
    status
}

fn write_frames(out: &mut String, task: &Header, indent: &str, now: Instant) {
    if task.has(flag::RUNNING) {
        return;
    }
    // SAFETY: rule 1: the task is suspended, and nothing is polled while we look.
    for frame in unsafe { trace::frames(task.trace()) } {
        let site = frame.site;
        let _ = match site.kind() {
            SiteKind::Await => writeln!(
                out,
                "{indent}│    {site} in `{}`: {}.await",
                site.function(),
                site.expression()
            ),
            SiteKind::Nursery => writeln!(
                out,
                "{indent}│    {site} in `{}`: nursery{}",
                site.function(),
                scope_status(frame.node, now)
            ),
            SiteKind::Scope => {
                writeln!(
                    out,
                    "{indent}│      ({}{})",
                    site.expression(),
                    scope_status(frame.node, now)
                )
            }
        };
    }
}

fn scope_status(node: Option<&Node>, now: Instant) -> String {
    let mut status = String::new();
    let Some(node) = node else {
        return status;
    };
    let tasks = |node: &Node| node.children().filter(|it| it.kind() == Kind::Task).count();
    match tasks(node) {
        0 => {}
        1 => status.push_str(", 1 child"),
        children => {
            let _ = write!(status, ", {children} children");
        }
    }
    match node.children().filter(|it| it.kind() == Kind::Services).map(tasks).sum() {
        0 => {}
        1 => status.push_str(", 1 service"),
        services => {
            let _: fmt::Result = write!(status, ", {services} services");
        }
    }
    if node.is_called() {
        match node.reason() {
            Some(reason) => {
                let _ = write!(status, ", {reason}");
            }
            None => status.push_str(", cancelled"),
        }
    } else if node.deadline() != Instant::FAR_FUTURE {
        let left = node.deadline().saturating_duration_since(now);
        let _ = write!(status, ", deadline in {left:?}");
    }
    if node.is_shielded() {
        status.push_str(", shielded");
    }
    if node.is_asked() {
        status.push_str(", asked to stop");
    }
    status
}
