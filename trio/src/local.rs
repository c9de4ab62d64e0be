//! Variables whose value belongs to a task.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::lowlevel::TaskLocals;
use crate::{Call, Thunk};

/// Declares variables whose value belongs to a task: `static NAME: Type;`, each a [`LocalKey`].
///
/// A value is given for a scope, and holds there, in everything that is awaited inside, in the tasks
/// that are spawned inside, as long as they live, and in the worker threads that they use. The type
/// has to be `Send + Sync`. Its counterpart in Python is `contextvars.ContextVar`.
///
/// ```
/// use trio::nursery;
///
/// trio::task_local! {
///     /// The request that is being served.
///     pub static REQUEST: u64;
/// }
///
/// #[trio::task]
/// async fn log(text: &str) {
///     trio::lowlevel::checkpoint().await;
///     println!("[{}] {text}", REQUEST.get().unwrap_or_default());
/// }
///
/// #[trio::task]
/// async fn serve() -> trio::Result<()> {
///     nursery!(|n| {
///         n.spawn(log, "in a child");
///     })?;
///     log("and here").await;
///     Ok(())
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// REQUEST.scope(7, serve).await
/// # }
/// # trio::run(example).unwrap();
/// ```
#[macro_export]
macro_rules! task_local {
    ($($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty;)*) => {$(
        $(#[$attribute])*
        $visibility static $name: $crate::LocalKey<$type> =
            $crate::LocalKey::__new(::core::stringify!($name));
    )*};
}

/// A variable whose value belongs to a task: see [`task_local!`](crate::task_local).
pub struct LocalKey<T> {
    name: &'static str,
    key: OnceLock<usize>,
    _value: PhantomData<fn() -> T>,
}

static KEYS: AtomicUsize = AtomicUsize::new(0);

impl<T: Send + Sync + 'static> LocalKey<T> {
    /// Called by `task_local!` alone.
    #[doc(hidden)]
    pub const fn __new(name: &'static str) -> LocalKey<T> {
        LocalKey { name, key: OnceLock::new(), _value: PhantomData }
    }

    fn key(&self) -> usize {
        *self.key.get_or_init(|| KEYS.fetch_add(1, Ordering::Relaxed))
    }

    fn bound(&self, value: T) -> TaskLocals {
        TaskLocals::current().with(self.key(), Arc::new(value))
    }

    /// Runs the thunk with this value, and with what holds here for the other variables.
    ///
    /// # Cancellation
    ///
    /// As in the thunk. However the scope is left, the value before it holds again.
    ///
    /// ```
    /// trio::task_local! {
    ///     static DEPTH: u32;
    /// }
    ///
    /// # #[trio::task] async fn example() {
    /// let inside = DEPTH.scope(1, async {
    ///     trio::lowlevel::checkpoint().await;
    ///     DEPTH.get()
    /// });
    /// assert_eq!(inside.await, Some(1));
    /// assert_eq!(DEPTH.get(), None);
    /// # }
    /// # trio::run(example);
    /// ```
    pub fn scope<V: Thunk>(
        &self,
        value: T,
        thunk: V,
    ) -> Call<impl Future<Output = V::Output> + use<T, V>> {
        self.bound(value).scope(thunk)
    }

    /// Calls `function` with this value: [`scope`](LocalKey::scope) for what does not await.
    pub fn scope_sync<R>(&self, value: T, function: impl FnOnce() -> R) -> R {
        self.bound(value).enter(function)
    }

    /// Calls `function` with the value that holds here; with `None` if there is none.
    pub fn with<R>(&self, function: impl FnOnce(Option<&T>) -> R) -> R {
        let locals = TaskLocals::current();
        let value = locals.get(self.key()).map(|value| {
            let value: &(dyn Any + Send + Sync) = &**value;
            value.downcast_ref().expect("a key has one type")
        });
        function(value)
    }

    /// A copy of the value that holds here; `None` if there is none.
    pub fn get(&self) -> Option<T>
    where
        T: Clone,
    {
        self.with(|value| value.cloned())
    }
}

impl<T> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalKey({})", self.name)
    }
}
