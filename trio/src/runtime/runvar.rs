//! Variables with one value per run.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::context;

/// A variable with one value per run, for what has to be made once in each.
///
/// Its counterpart in Trio is `trio.lowlevel.RunVar`.
///
/// ```
/// use trio::lowlevel::RunVar;
///
/// static LIMIT: RunVar<u32> = RunVar::new("limit");
///
/// trio::run(|| async {
///     assert_eq!(LIMIT.get(), None);
///     LIMIT.set(40);
///     assert_eq!(LIMIT.get(), Some(40));
/// });
/// trio::run(|| async { assert_eq!(LIMIT.get(), None) });
/// ```
pub struct RunVar<T> {
    name: &'static str,
    key: OnceLock<usize>,
    _value: PhantomData<fn() -> T>,
}

/// What [`RunVar::reset`] takes back: one [`RunVar::set`].
#[must_use = "dropping it keeps the new value; `reset` takes the old one back"]
pub struct RunVarToken<T> {
    key: usize,
    run: u16,
    old: Option<Rc<dyn Any>>,
    _value: PhantomData<T>,
}

static KEYS: AtomicUsize = AtomicUsize::new(0);

impl<T: Clone + 'static> RunVar<T> {
    /// A variable without a value.
    pub const fn new(name: &'static str) -> RunVar<T> {
        RunVar { name, key: OnceLock::new(), _value: PhantomData }
    }

    fn key(&self) -> usize {
        *self.key.get_or_init(|| KEYS.fetch_add(1, Ordering::Relaxed))
    }

    /// A copy of this run's value; `None` if it was not set.
    ///
    /// # Panics
    ///
    /// Outside a run.
    #[track_caller]
    pub fn get(&self) -> Option<T> {
        let value = context::run(|run| run.vars.borrow().get(&self.key()).map(Rc::clone))?;
        Some(value.downcast_ref::<T>().expect("a key has one type").clone())
    }

    /// Sets this run's value. The token can put the old one back.
    ///
    /// # Panics
    ///
    /// Outside a run.
    #[track_caller]
    pub fn replace(&self, value: T) -> RunVarToken<T> {
        let key = self.key();
        context::run(|run| {
            let old = run.vars.borrow_mut().insert(key, Rc::new(value));
            RunVarToken { key, run: run.id(), old, _value: PhantomData }
        })
    }

    /// Sets this run's value.
    ///
    /// # Panics
    ///
    /// Outside a run.
    #[track_caller]
    pub fn set(&self, value: T) {
        drop(self.replace(value));
    }

    /// Takes one [`replace`](RunVar::replace) back.
    ///
    /// # Panics
    ///
    /// Outside a run, and if the token is of another variable or another run.
    #[track_caller]
    pub fn reset(&self, token: RunVarToken<T>) {
        assert!(token.key == self.key(), "this token is of another variable than `{}`", self.name);
        let dropped = context::run(|run| {
            assert!(token.run == run.id(), "this token is of another run");
            let mut vars = run.vars.borrow_mut();
            match token.old {
                Some(old) => vars.insert(token.key, old),
                None => vars.remove(&token.key),
            }
        });
        // The value's destructor may use the variable.
        drop(dropped);
    }
}

impl<T> fmt::Debug for RunVar<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunVar({})", self.name)
    }
}

impl<T> fmt::Debug for RunVarToken<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunVarToken").finish_non_exhaustive()
    }
}
