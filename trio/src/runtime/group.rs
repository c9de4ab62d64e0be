//! Several errors as one.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::panic::Location;

use super::error::Error;
use super::trace::{Site, SiteKind};

/// Where a failure comes from: the task, where it was spawned, and how far it had come.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) task: Box<str>,
    /// `None` for the body of the nursery.
    pub(crate) spawned: Option<&'static Location<'static>>,
    pub(crate) last_await: Option<&'static Site>,
}

/// One error of an [`ErrorGroup`], with where it comes from.
#[derive(Debug)]
pub struct Failure {
    error: Error,
    origin: Origin,
}

impl Failure {
    pub(crate) fn new(error: Error, origin: Origin) -> Failure {
        Failure { error, origin }
    }

    /// The error.
    pub fn error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.error
    }

    /// The error, taken out.
    pub fn into_error(self) -> Error {
        self.error
    }

    /// The name of the task that failed.
    pub fn task(&self) -> &str {
        &self.origin.task
    }

    /// Where the task was spawned; `None` if the nursery's body failed.
    pub fn spawned_at(&self) -> Option<&'static Location<'static>> {
        self.origin.spawned
    }

    /// The await that the task completed last: where the error most likely came from.
    pub fn last_await(&self) -> Option<&'static Site> {
        self.origin.last_await
    }

    fn group(&self) -> Option<&ErrorGroup> {
        self.error.downcast_ref::<ErrorGroup>()
    }
}

/// The errors of a nursery: those of its children, and that of its body.
///
/// A nursery that fails always returns a group, also for a single error. The group keeps for each
/// error the task, where it was spawned and where it was last; groups nest as nurseries do. A
/// cancellation is never in it. `{}` prints one line, `{:#}` and `{:?}` the tree.
///
/// [`find`](ErrorGroup::find), [`split`](ErrorGroup::split) and
/// [`into_single`](ErrorGroup::into_single) take it apart. Its counterpart in Trio is
/// `ExceptionGroup`.
///
/// ```
/// # #[trio::task] async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
/// #     trio::lowlevel::checkpoint().await; text.parse() }
/// # #[trio::task] async fn example() {
/// let result = trio::nursery!(|n| {
///     n.spawn(parse, "7");
///     n.spawn(parse, "seven");
/// });
/// let group = result.unwrap_err();
/// assert_eq!(group.len(), 1);
/// assert!(group.find::<std::num::ParseIntError>().is_some());
/// println!("{group:#}");
/// # }
/// # trio::run(example);
/// ```
#[must_use = "an error group holds errors that somebody should see"]
pub struct ErrorGroup {
    failures: Vec<Failure>,
    nursery: Option<&'static Site>,
}

impl ErrorGroup {
    pub(crate) fn new(failures: Vec<Failure>, nursery: Option<&'static Site>) -> ErrorGroup {
        debug_assert!(!failures.is_empty());
        ErrorGroup { failures, nursery }
    }

    /// How many errors are directly in this group. Never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.failures.len()
    }

    /// The errors directly in this group, in the order in which they came.
    pub fn iter(&self) -> std::slice::Iter<'_, Failure> {
        self.failures.iter()
    }

    /// The place of the nursery that failed, where it is known. That of a `try_join!` or another
    /// combinator is not: its operations were spawned where it is called.
    pub fn nursery(&self) -> Option<&'static Site> {
        self.nursery.filter(|site| site.kind() == SiteKind::Nursery)
    }

    /// The first error of type `E` anywhere in the tree, also as the cause of another error.
    pub fn find<E: StdError + 'static>(&self) -> Option<&E> {
        self.leaves().find_map(|failure| super::error::find_error::<E>(failure.error()))
    }

    /// Every error of the tree that is not itself a group.
    pub fn leaves(&self) -> impl Iterator<Item = &Failure> {
        let mut stack = vec![self.failures.iter()];
        std::iter::from_fn(move || {
            loop {
                let Some(failure) = stack.last_mut()?.next() else {
                    stack.pop();
                    continue;
                };
                match failure.group() {
                    Some(group) => stack.push(group.failures.iter()),
                    None => return Some(failure),
                }
            }
        })
    }

    /// Takes the tree apart: the errors that are an `E`, and a group of the same shape with the rest,
    /// if anything is left.
    ///
    /// ```
    /// # use std::io;
    /// # fn f(group: trio::ErrorGroup) -> Result<(), trio::ErrorGroup> {
    /// let (io_errors, rest) = group.split::<io::Error>();
    /// for error in io_errors {
    ///     eprintln!("ignored: {error}");
    /// }
    /// match rest {
    ///     Some(group) => Err(group),
    ///     None => Ok(()),
    /// }
    /// # }
    /// ```
    pub fn split<E: StdError + 'static>(self) -> (Vec<E>, Option<ErrorGroup>) {
        let mut found = Vec::new();
        let mut open: Vec<Partial> = vec![Partial::new(self, None)];
        loop {
            let current = open.last_mut().expect("the outermost group is still open");
            match current.rest.next() {
                Some(failure) if failure.group().is_some() => {
                    let origin = failure.origin;
                    let group = failure.error.downcast::<ErrorGroup>().expect("looked at above");
                    open.push(Partial::new(*group, Some(origin)));
                }
                Some(Failure { error, origin }) => match error.downcast::<E>() {
                    Ok(error) => found.push(*error),
                    Err(error) => current.kept.push(Failure { error, origin }),
                },
                None => {
                    let done = open.pop().expect("looked at above");
                    let group = (!done.kept.is_empty())
                        .then(|| ErrorGroup { failures: done.kept, nursery: done.nursery });
                    let Some(outer) = open.last_mut() else {
                        return (found, group);
                    };
                    if let (Some(group), Some(origin)) = (group, done.origin) {
                        outer.kept.push(Failure { error: Box::new(group), origin });
                    }
                }
            }
        }
    }

    /// The only error in the tree, whatever the number of groups around it; the group itself if
    /// there are several.
    pub fn into_single(mut self) -> Result<Error, ErrorGroup> {
        if self.leaves().nth(1).is_some() {
            return Err(self);
        }
        loop {
            let failure = self.failures.pop().expect("a group is never empty");
            match failure.error.downcast::<ErrorGroup>() {
                Ok(group) => self = *group,
                Err(error) => return Ok(error),
            }
        }
    }

    /// Writes the tree, one error a line, iteratively (nurseries can be nested very deep).
    fn write_tree(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_heading(f)?;
        let mut prefix = String::new();
        let mut stack = vec![(self.failures.iter(), 0)];
        while let Some((rest, outer)) = stack.last_mut() {
            let outer = *outer;
            let Some(failure) = rest.next() else {
                stack.pop();
                prefix.truncate(outer);
                continue;
            };
            let last = rest.len() == 0;
            write!(f, "\n{prefix}{} ", if last { "└─" } else { "├─" })?;
            let width = prefix.len();
            prefix.push_str(if last { "   " } else { "│  " });
            write!(f, "{}: ", failure.origin)?;
            if let Some(group) = failure.group() {
                group.write_heading(f)?;
                if stack.len() < MAX_DEPTH {
                    stack.push((group.failures.iter(), width));
                    continue;
                }
                write!(f, " (nested deeper; {} errors in all)", group.leaves().count())?;
            } else {
                let mut text = failure.error.to_string();
                write_indented(f, &prefix, &text)?;
                let mut source = failure.error.source();
                while let Some(cause) = source {
                    let next = cause.to_string();
                    // Many an error says its cause itself.
                    if !text.contains(&next) {
                        write!(f, "\n{prefix}caused by: ")?;
                        write_indented(f, &prefix, &next)?;
                        text = next;
                    }
                    source = cause.source();
                }
            }
            if let Some(site) = failure.origin.last_await {
                write!(f, "\n{prefix}after `{}.await` at {site}", site.expression())?;
            }
            prefix.truncate(width);
        }
        Ok(())
    }

    fn write_heading(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            1 => f.write_str("1 error")?,
            count => write!(f, "{count} errors")?,
        }
        match self.nursery {
            Some(site) if site.kind() == SiteKind::Scope => {
                write!(f, " in `{}`", site.expression())
            }
            Some(site) => write!(f, " in the nursery of `{}` at {site}", site.function()),
            None => Ok(()),
        }
    }
}

/// How deep a tree is printed.
const MAX_DEPTH: usize = 64;

fn write_indented(f: &mut fmt::Formatter<'_>, prefix: &str, text: &str) -> fmt::Result {
    for (index, line) in text.lines().enumerate() {
        if index > 0 {
            write!(f, "\n{prefix}")?;
        }
        f.write_str(line)?;
    }
    Ok(())
}

/// A group that is being split.
struct Partial {
    rest: std::vec::IntoIter<Failure>,
    kept: Vec<Failure>,
    nursery: Option<&'static Site>,
    /// Where the group itself came from, if it is in another.
    origin: Option<Origin>,
}

impl Partial {
    fn new(mut group: ErrorGroup, origin: Option<Origin>) -> Partial {
        Partial {
            rest: std::mem::take(&mut group.failures).into_iter(),
            kept: Vec::new(),
            nursery: group.nursery,
            origin,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spawned {
            Some(at) => write!(f, "task `{}` spawned at {}:{}", self.task, at.file(), at.line()),
            None => write!(f, "the nursery's body in task `{}`", self.task),
        }
    }
}

impl fmt::Display for ErrorGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return self.write_tree(f);
        }
        let count = self.leaves().count();
        match count {
            1 => f.write_str("1 error in a nursery: ")?,
            _ => write!(f, "{count} errors in a nursery: ")?,
        }
        for (index, failure) in self.leaves().take(8).enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{}", failure.error)?;
        }
        if count > 8 {
            f.write_char('…')?;
        }
        Ok(())
    }
}

impl fmt::Debug for ErrorGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_tree(f)
    }
}

impl StdError for ErrorGroup {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let failure = self.failures.first()?;
        Some(failure.error())
    }
}

impl IntoIterator for ErrorGroup {
    type Item = Failure;
    type IntoIter = std::vec::IntoIter<Failure>;

    fn into_iter(mut self) -> Self::IntoIter {
        std::mem::take(&mut self.failures).into_iter()
    }
}

impl<'a> IntoIterator for &'a ErrorGroup {
    type Item = &'a Failure;
    type IntoIter = std::slice::Iter<'a, Failure>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Groups are dropped iteratively: they nest as deep as nurseries do.
impl Drop for ErrorGroup {
    fn drop(&mut self) {
        let mut open = std::mem::take(&mut self.failures);
        while let Some(failure) = open.pop() {
            if let Ok(mut group) = failure.error.downcast::<ErrorGroup>() {
                open.append(&mut group.failures);
            }
        }
    }
}
