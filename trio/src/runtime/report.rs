//! What is said on standard error when there is nobody to say it to.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The text of a panic.
pub(crate) fn text_of(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "(a payload that is not text)"
    }
}

/// Says something on standard error. A standard error that is closed, or a `Display` of the user's that
/// panics, must not fail the one who says it.
#[cold]
pub(crate) fn say(what: std::fmt::Arguments<'_>) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| eprintln!("trio: {what}"))) {
        discard(payload);
    }
}

/// Something that must not fail others panicked.
#[cold]
pub(crate) fn panicked(what: &str, payload: &(dyn Any + Send)) {
    say(format_args!("{what} panicked: {}", text_of(payload)));
}

/// The text of a user's error, for a reason.
#[cold]
pub(crate) fn text_of_error(error: &(dyn std::error::Error + 'static)) -> String {
    catch_unwind(AssertUnwindSafe(|| error.to_string())).unwrap_or_else(|payload| {
        discard(payload);
        "(its text cannot be told: `Display` panicked)".to_owned()
    })
}

/// Drops something of the user's that nobody will see: a payload, or what a panic has left without a
/// use. Its destructor may panic, too.
#[cold]
pub(crate) fn discard<T>(leftover: T) {
    if let Err(next) = catch_unwind(AssertUnwindSafe(|| drop(leftover))) {
        // A destructor that panics with something that panics again: leak it.
        std::mem::forget(next);
    }
}
