//! What a task is called.

use std::fmt;
use std::sync::OnceLock;

/// The name of a task: the one it was given, or that of its function, which is made out of the type of its
/// frame when somebody asks.
#[derive(Clone)]
pub(crate) struct TaskName {
    frame: fn() -> &'static str,
    text: OnceLock<Box<str>>,
}

impl TaskName {
    pub(super) fn new(given: Option<Box<str>>, frame: fn() -> &'static str) -> TaskName {
        TaskName { frame, text: given.map_or_else(OnceLock::new, OnceLock::from) }
    }

    pub(crate) fn as_str(&self) -> &str {
        self.text.get_or_init(|| short_name((self.frame)()).into())
    }
}

impl PartialEq for TaskName {
    fn eq(&self, other: &TaskName) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for TaskName {}

impl fmt::Debug for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// The name of a task, out of the type name of its frame: the last part of its function's path. A
/// frame that is an `async` block or closure within a function says so.
fn short_name(frame: &str) -> String {
    let inner = boxed(match frame.find("Wrapped<") {
        Some(at) if frame.starts_with("trio::") && frame.ends_with('>') => {
            &frame[at + "Wrapped<".len()..frame.len() - 1]
        }
        _ => frame,
    });
    let path = inner.trim_end_matches("::{{closure}}");
    let closures = (inner.len() - path.len()) / "::{{closure}}".len();
    // The path in front of generic arguments is shortened; a method's type begins with `<`.
    let end = path.find('<').filter(|at| *at > 0).unwrap_or(path.len());
    let start = path[..end].rfind("::").map_or(0, |at| at + 2);
    let name = if path.starts_with('<') { path } else { &path[start..] };
    if closures > 1 { format!("block in {name}") } else { name.to_owned() }
}

/// The frame in that of a task that is `boxed`; any other type as it is.
fn boxed(frame: &str) -> &str {
    frame
        .strip_prefix("trio::runtime::call::Boxed<")
        .and_then(|inner| inner.strip_suffix('>'))
        .unwrap_or(frame)
}
