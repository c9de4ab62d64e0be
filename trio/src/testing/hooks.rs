//! Functions of the test that are called in the midst of an operation, or at its end.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::rc::Rc;

use crate::stream::BoxFuture;

/// What is called in the midst of an operation.
pub(super) type AsyncHook = Rc<dyn Fn() -> BoxFuture<'static, io::Result<()>>>;
/// What is called at the end of closing.
pub(super) type CloseHook = Rc<dyn Fn()>;

pub(super) fn boxed<F, R>(hook: F) -> Option<AsyncHook>
where
    F: Fn() -> R + 'static,
    R: Future<Output = io::Result<()>> + 'static,
{
    Some(Rc::new(move || Box::pin(hook())))
}

/// Calls a hook, if there is one. A copy: it may set hooks.
pub(super) async fn call(hook: &RefCell<Option<AsyncHook>>) -> io::Result<()> {
    let hook = hook.borrow().clone();
    match hook {
        Some(hook) => hook().await,
        None => Ok(()),
    }
}

pub(super) fn call_closing(hook: &RefCell<Option<CloseHook>>) {
    let hook = hook.borrow().clone();
    if let Some(hook) = hook {
        hook();
    }
}
