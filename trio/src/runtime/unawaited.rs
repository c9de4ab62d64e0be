//! Probes for operations that are dropped without having been awaited.
//!
//! The macros put them where rustc alone is silent. The type checker decides:
//! `(&&Look(&value)).kind()` is an [`Operation`] if the value can be awaited, and a [`Plain`] if not.
//! Both have the same methods; those of `Operation` carry a bound that nothing satisfies and whose
//! text is the rule.

use super::awaiting::Checkpoint;

/// Looks at a value to find out whether it could be awaited.
#[derive(Debug)]
pub struct Look<'a, T: ?Sized>(pub &'a T);

/// The value can be awaited.
#[derive(Debug, Clone, Copy)]
pub struct Operation;

/// The value is an ordinary one.
#[derive(Debug, Clone, Copy)]
pub struct Plain;

/// For what can be awaited.
pub trait LookOperation {
    /// Says so.
    fn kind(&self) -> Operation {
        Operation
    }
}

impl<T: Checkpoint> LookOperation for &Look<'_, T> {}

/// For everything else.
pub trait LookPlain {
    /// Says so.
    fn kind(&self) -> Plain {
        Plain
    }
}

impl<T: ?Sized> LookPlain for Look<'_, T> {}

impl Plain {
    /// `let _ = value`.
    pub fn let_underscore<T: ?Sized>(self, _value: &T) {}

    /// `let _unused = value`.
    pub fn dead_binding<T: ?Sized>(self, _value: &T) {}

    /// `drop(value)`.
    pub fn dropped<T: ?Sized>(self, _value: &T) {}

    /// `value?`.
    pub fn tried<T>(self, value: T) -> T {
        value
    }

    /// `println!("{}", value)`.
    pub fn formatted<T>(self, value: T) -> T {
        value
    }

    /// `async { value }`.
    pub fn tail<T>(self, value: T) -> T {
        value
    }
}

impl Operation {
    /// `let _ = operation`.
    pub fn let_underscore<T: LetUnderscore>(self, _value: &T) {}

    /// `let _unused = operation`.
    pub fn dead_binding<T: DeadBinding>(self, _value: &T) {}

    /// `drop(operation)`.
    pub fn dropped<T: Dropped>(self, _value: &T) {}

    /// `operation?`.
    pub fn tried<T: Tried>(self, _value: T) -> T::Output {
        unreachable!("no type has this")
    }

    /// `println!("{}", operation)`.
    pub fn formatted<T: Formatted>(self, _value: T) -> &'static str {
        unreachable!("no type has this")
    }

    /// `async { operation }`.
    pub fn tail<T: Tail>(self, _value: T) -> T::Output {
        unreachable!("no type has this")
    }
}

/// Nothing may.
#[diagnostic::on_unimplemented(
    message = "`_ =` drops this operation without running it",
    label = "this is never awaited",
    note = "add `.await`: tasks do nothing until awaited",
    note = "rule: unawaited_let_underscore"
)]
pub trait LetUnderscore {}

/// Nothing may.
#[diagnostic::on_unimplemented(
    message = "this operation is kept in a variable that is never used, so it never runs",
    label = "this is never awaited",
    note = "add `.await`: tasks do nothing until awaited",
    note = "rule: unawaited_dead_binding"
)]
pub trait DeadBinding {}

/// Nothing may.
#[diagnostic::on_unimplemented(
    message = "this drops an operation without running it",
    label = "this is never awaited",
    note = "add `.await`: tasks do nothing until awaited",
    note = "rule: unawaited_drop"
)]
pub trait Dropped {}

/// Nothing may.
#[diagnostic::on_unimplemented(
    message = "`?` looks at the result of this operation before it has run",
    label = "this is not awaited",
    note = "add `.await` before `?`",
    note = "rule: try_before_await"
)]
pub trait Tried {
    /// What the expression would be.
    type Output;
}

/// Nothing may.
#[diagnostic::on_unimplemented(
    message = "this formats an operation that has not run",
    label = "this is not awaited",
    note = "add `.await`",
    note = "rule: unawaited_in_format"
)]
pub trait Formatted {}

/// Nothing may.
#[diagnostic::on_unimplemented(
    message = "this block gives back an operation that has not run",
    label = "this is not awaited",
    note = "add `.await`",
    note = "rule: unawaited_tail"
)]
pub trait Tail {
    /// What the block would give.
    type Output;
}

/// With no implementation at all rustc adds "this trait has no implementations".
#[derive(Debug)]
pub enum Nothing {}

#[diagnostic::do_not_recommend]
impl LetUnderscore for Nothing {}
#[diagnostic::do_not_recommend]
impl DeadBinding for Nothing {}
#[diagnostic::do_not_recommend]
impl Dropped for Nothing {}
#[diagnostic::do_not_recommend]
impl Formatted for Nothing {}
#[diagnostic::do_not_recommend]
impl Tail for Nothing {
    type Output = Self;
}
#[diagnostic::do_not_recommend]
impl Tried for Nothing {
    type Output = Self;
}
