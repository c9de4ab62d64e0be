//! From one descriptor to another through a pipe, without copying: Linux.
//!
//! ```text
//!   from ──splice──▶ pipe (in the system) ──splice──▶ to
//!                      └─ `to` refuses: what is in the pipe is read, and sent as other data is
//! ```

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, splice};

use super::fd::Descriptor;
use crate::sys::faults::{SystemCall, admit};
use crate::sys::sigpipe::quietly;

/// How much is asked for at once; a pipe takes what it has room for.
const AT_ONCE: usize = 1 << 20;

/// The way through the system.
pub(super) struct Shortcut<'a> {
    from: Descriptor<'a>,
    to: Descriptor<'a>,
    /// Opened when there is something for it: two descriptors are much for a connection that is idle.
    pipe: Option<(OwnedFd, OwnedFd)>,
    /// It does not work for these two.
    refused: bool,
}

impl<'a> Shortcut<'a> {
    pub(super) fn between(
        from: Option<Descriptor<'a>>,
        to: Option<Descriptor<'a>>,
    ) -> Option<Shortcut<'a>> {
        Some(Shortcut { from: from?, to: to?, pipe: None, refused: false })
    }

    /// Copies some bytes: how many, 0 at the end; `None` if it does not work, and nothing was copied.
    pub(super) async fn copy_some(&mut self) -> io::Result<Option<usize>> {
        if self.refused {
            return Ok(None);
        }
        let (front, back) = match &mut self.pipe {
            Some(pipe) => pipe,
            none => match pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK) {
                Ok(pipe) => none.insert(pipe),
                // It can be copied without more descriptors.
                Err(_) => return Ok(None),
            },
        };
        let received = self.from.receiving(|from| {
            let size = admit(SystemCall::Read, AT_ONCE)?;
            unless_refused(splice(from, None, &*back, None, size, SpliceFlags::NONBLOCK))
        });
        let Some(count) = received.await? else {
            self.refused = true;
            return Ok(None);
        };
        let mut left = count;
        let busy = self.to.begin_sending().await?;
        while left > 0 {
            let sent = self.to.sending(|to| {
                let size = admit(SystemCall::Write, left)?;
                unless_refused(quietly(|| {
                    splice(&*front, None, to, None, size, SpliceFlags::NONBLOCK)
                }))
            });
            match sent.await? {
                Some(sent) => left -= sent,
                None => break,
            }
        }
        drop(busy);
        if left > 0 {
            self.refused = true;
            let mut data = vec![0; left];
            let mut read = 0;
            while read < left {
                read += rustix::io::read(&*front, &mut data[read..])?;
            }
            self.to.send_all(&data).await?;
        }
        Ok(Some(count))
    }
}

/// `None` if the system cannot do it for this descriptor, though that may be in order.
fn unless_refused(result: rustix::io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
