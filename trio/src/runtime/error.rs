//! The error vocabulary.

use std::error::Error as StdError;
use std::fmt;
use std::io;

/// The error of a task whatever its kind: what `?` turns errors into.
pub type Error = Box<dyn StdError + Send + Sync>;

/// The result of a task that can fail in any way.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! unit_errors {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $kind:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name(());

        impl $name {
            /// For operations of one's own that fail in this way.
            #[allow(clippy::new_without_default)]
            pub const fn new() -> Self {
                $name(())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($text)
            }
        }

        impl StdError for $name {}

        impl From<$name> for io::Error {
            fn from(error: $name) -> io::Error {
                io::Error::new(io::ErrorKind::$kind, error)
            }
        }
    )*};
}

unit_errors! {
    /// A `fail_after` or `fail_at` ran out of time.
    ///
    /// Its counterpart in Trio is `trio.TooSlowError`.
    TooSlowError = "the operation took longer than it was given", TimedOut;
    /// A `try_*` operation could not be done without waiting.
    ///
    /// Its counterpart in Trio is `trio.WouldBlock`.
    WouldBlock = "the operation would have had to wait", WouldBlock;
    /// This side has closed the resource, before the operation or while it was waiting.
    ///
    /// Its counterpart in Trio is `trio.ClosedResourceError`.
    ClosedResourceError = "this resource was closed on this side", NotConnected;
    /// Another task is using the resource in the same way at the same time.
    ///
    /// Its counterpart in Trio is `trio.BusyResourceError`.
    BusyResourceError = "another task is using this resource", ResourceBusy;
    /// The channel has ended cleanly: all senders are closed and everything was received.
    ///
    /// Its counterpart in Trio is `trio.EndOfChannel`.
    EndOfChannel = "the channel has ended", UnexpectedEof;
    /// The run that was called into has ended.
    ///
    /// Its counterpart in Trio is `trio.RunFinishedError`.
    RunFinishedError = "the run has ended", NotConnected;
}

/// The other side, or the environment, has broken the resource.
///
/// What broke it is the error's source, where it is known. Its counterpart in Trio is
/// `trio.BrokenResourceError`.
#[derive(Debug, Default)]
pub struct BrokenResourceError {
    text: Option<Box<str>>,
    source: Option<Error>,
}

impl BrokenResourceError {
    /// An error without a known cause.
    pub const fn new() -> Self {
        BrokenResourceError { text: None, source: None }
    }

    /// An error that says what happened.
    pub fn with_text(text: impl Into<Box<str>>) -> Self {
        BrokenResourceError { text: Some(text.into()), source: None }
    }

    /// An error with its cause.
    pub fn caused_by(source: impl Into<Error>) -> Self {
        BrokenResourceError { text: None, source: Some(source.into()) }
    }
}

impl fmt::Display for BrokenResourceError {
    /// With the cause: it is what people need to read, and few print an error's sources.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this resource was broken from outside")?;
        if let Some(text) = &self.text {
            write!(f, ": {text}")?;
        }
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl StdError for BrokenResourceError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|error| error as &(dyn StdError + 'static))
    }
}

impl From<BrokenResourceError> for io::Error {
    fn from(error: BrokenResourceError) -> io::Error {
        io::Error::new(io::ErrorKind::BrokenPipe, error)
    }
}

/// A nursery was cancelled before its body had a value.
///
/// A body whose value is `()` needs none: then the nursery's result is `Ok(())`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NurseryCancelled(pub(crate) ());

impl fmt::Display for NurseryCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the nursery was cancelled before its body had a value")
    }
}

impl StdError for NurseryCancelled {}

/// A task given to `start` ended without calling `started`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotStartedError(pub(crate) ());

impl fmt::Display for NotStartedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task ended without calling `started` on its `TaskStatus`")
    }
}

impl StdError for NotStartedError {}

/// Whether an error of another type carries one of ours: an `io::Error` made from it, say.
///
/// ```
/// # use std::io;
/// let error = io::Error::from(trio::ClosedResourceError::new());
/// assert!(trio::is_error::<trio::ClosedResourceError>(&error));
/// ```
pub fn is_error<E: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    find_error::<E>(error).is_some()
}

/// The error of type `E` that `error` is, wraps or was caused by.
pub fn find_error<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        // An `io::Error`'s `source` is that of what it carries: look at what it carries itself.
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            next = Some(inner);
        } else {
            next = error.source();
        }
    }
    None
}
