//! Where the system does not bring bytes from one descriptor to another.

use std::io;
use std::marker::PhantomData;

use super::fd::Descriptor;

/// The way through the system, which is not there.
pub(super) struct Shortcut<'a>(PhantomData<Descriptor<'a>>);

impl<'a> Shortcut<'a> {
    pub(super) fn between(
        _: Option<Descriptor<'a>>,
        _: Option<Descriptor<'a>>,
    ) -> Option<Shortcut<'a>> {
        None
    }

    pub(super) async fn copy_some(&mut self) -> io::Result<Option<usize>> {
        Ok(None)
    }
}
