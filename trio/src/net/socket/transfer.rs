//! Sending and receiving.

use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;

use socket2::SockAddr;

use super::Socket;
use crate::lowlevel::{cancel_shielded_checkpoint, checkpoint_if_cancelled};
use crate::sync::{Permit, Semaphore};
use crate::sys::faults::{SystemCall, admit};
use crate::sys::sigpipe::NO_SIGNAL;
use crate::sys::uninit::as_uninit;

impl Socket {
    /// Sends as much of the data as there is room for now: how many bytes that was. A datagram is sent
    /// whole.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has sent nothing.
    ///
    /// # Errors
    ///
    /// The system's; [`BusyResourceError`](crate::BusyResourceError) if another task is sending to the
    /// stream; [`ClosedResourceError`](crate::ClosedResourceError) once the socket is closed.
    pub async fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.sending(|socket| socket.send_with_flags(data, NO_SIGNAL)).await
    }

    /// [`send`](Socket::send) of several pieces as one.
    ///
    /// # Cancellation
    ///
    /// As [`send`](Socket::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Socket::send).
    pub async fn send_vectored(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        self.sending(|socket| socket.send_vectored_with_flags(data, NO_SIGNAL)).await
    }

    /// Sends a datagram to an address.
    ///
    /// # Cancellation
    ///
    /// As [`send`](Socket::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Socket::send).
    pub async fn send_to(&self, data: &[u8], address: impl Into<SockAddr>) -> io::Result<usize> {
        let address = address.into();
        self.sending(|socket| socket.send_to_with_flags(data, &address, NO_SIGNAL)).await
    }

    /// Receives what has come, at most as much as fits: how many bytes. Of a stream 0 is the end; what
    /// of a datagram does not fit is lost.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has received nothing.
    ///
    /// # Errors
    ///
    /// As [`send`](Socket::send), for receiving.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = buffer.len();
        let buffer = as_uninit(buffer);
        let count = self.receiving(|socket| socket.recv(buffer)).await?;
        self.note_received(count, size);
        Ok(count)
    }

    /// [`recv`](Socket::recv) into several buffers, one after the other.
    ///
    /// # Cancellation
    ///
    /// As [`recv`](Socket::recv).
    ///
    /// # Errors
    ///
    /// As [`recv`](Socket::recv).
    pub async fn recv_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let size = buffers.iter().map(|buffer| buffer.len()).sum();
        let count = self.receiving(|mut socket| socket.read_vectored(buffers)).await?;
        self.note_received(count, size);
        Ok(count)
    }

    /// Receives a datagram, and says where it came from.
    ///
    /// # Cancellation
    ///
    /// As [`recv`](Socket::recv).
    ///
    /// # Errors
    ///
    /// As [`recv`](Socket::recv).
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SockAddr)> {
        let buffer = as_uninit(buffer);
        self.receiving(|socket| socket.recv_from(buffer)).await
    }

    /// [`recv`](Socket::recv), but what was received can be received once more.
    ///
    /// # Cancellation
    ///
    /// As [`recv`](Socket::recv).
    ///
    /// # Errors
    ///
    /// As [`recv`](Socket::recv).
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let buffer = as_uninit(buffer);
        self.receiving(|socket| socket.peek(buffer)).await
    }

    /// [`recv_from`](Socket::recv_from), but the datagram can be received once more.
    ///
    /// # Cancellation
    ///
    /// As [`recv`](Socket::recv).
    ///
    /// # Errors
    ///
    /// As [`recv`](Socket::recv).
    pub async fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SockAddr)> {
        let buffer = as_uninit(buffer);
        self.receiving(|socket| socket.peek_from(buffer)).await
    }

    /// Whether there is something to be received, or the end, or an error. Sync.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the socket is closed, and the system's.
    pub fn is_readable(&self) -> io::Result<bool> {
        let mut byte = [MaybeUninit::uninit()];
        self.handle.with(|socket| match socket.peek(&mut byte) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            _ => Ok(true),
        })
    }

    /// Waits until there may be something to be received. Nothing is.
    ///
    /// # Cancellation
    ///
    /// A checkpoint.
    ///
    /// # Errors
    ///
    /// [`BusyResourceError`](crate::BusyResourceError) if another task waits for the same, and
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the socket is closed.
    pub async fn wait_readable(&self) -> io::Result<()> {
        self.handle.source().readable().await
    }

    /// Waits until there may be room to send. Nothing is sent.
    ///
    /// # Cancellation
    ///
    /// A checkpoint.
    ///
    /// # Errors
    ///
    /// As [`wait_readable`](Socket::wait_readable).
    pub async fn wait_writable(&self) -> io::Result<()> {
        self.handle.source().writable().await
    }

    /// An operation that receives, in its turn.
    pub(in crate::net) async fn receiving<R>(
        &self,
        mut operation: impl FnMut(&socket2::Socket) -> io::Result<R>,
    ) -> io::Result<R> {
        let _turn = match &self.turns {
            Some(turns) => Some(turn(&turns.receiving).await),
            None => None,
        };
        self.handle
            .read(|socket| {
                admit(SystemCall::Read, 0)?;
                operation(socket)
            })
            .await
    }

    /// An operation that sends, in its turn.
    pub(in crate::net) async fn sending<R>(
        &self,
        mut operation: impl FnMut(&socket2::Socket) -> io::Result<R>,
    ) -> io::Result<R> {
        checkpoint_if_cancelled().await;
        let _turn = match &self.turns {
            Some(turns) => Some(turn(&turns.sending).await),
            None => None,
        };
        let mut waited = false;
        let result = {
            let _busy = self.handle.begin_write().await?;
            let mut operation = |socket: &_| {
                admit(SystemCall::Write, 0)?;
                operation(socket)
            };
            self.handle.write(&mut operation, &mut waited).await
        };
        if !waited {
            cancel_shielded_checkpoint().await;
        }
        result
    }

    /// A stream that gave less than there was room for has no more.
    fn note_received(&self, count: usize, size: usize) {
        if self.turns.is_none() && count < size {
            self.handle.source().drained();
        }
    }
}

/// At once if nobody is before; the operation that follows is the checkpoint.
async fn turn(turns: &Semaphore) -> Permit<'_> {
    match turns.try_acquire() {
        Ok(permit) => permit,
        Err(_) => turns.acquire().await,
    }
}
