//! What the typed streams over sockets have in common: their methods, and the traits of `stream`.

/// The methods of a stream that has a field `bytes`, and its traits.
macro_rules! socket_stream {
    ($name:ident) => {
        impl $name {
            /// Sends everything.
            ///
            /// # Cancellation
            ///
            /// A checkpoint. *Not* atomic: a cancelled one may have sent a part, and nobody knows how much;
            /// the connection is then of no use but to be closed.
            ///
            /// # Errors
            ///
            /// [`BrokenResourceError`](crate::BrokenResourceError) if the connection is broken,
            /// [`ClosedResourceError`](crate::ClosedResourceError) once it is closed or `send_eof` was
            /// called, [`BusyResourceError`](crate::BusyResourceError) if another task is sending.
            pub fn send_all(&self, data: &[u8]) -> impl Future<Output = io::Result<()>> {
                self.bytes.send_all(data)
            }

            /// Waits until sending might not block.
            ///
            /// # Cancellation
            ///
            /// A checkpoint. It may return early, never late.
            ///
            /// # Errors
            ///
            /// As `send_all`.
            pub async fn wait_send_all_might_not_block(&self) -> io::Result<()> {
                self.bytes.wait_send_all_might_not_block().await
            }

            /// Receives some data into `buffer`: how many bytes, or 0 at the end of what the other side
            /// sends.
            ///
            /// # Cancellation
            ///
            /// A checkpoint; a cancelled one has received nothing.
            ///
            /// # Errors
            ///
            /// As `send_all`, for receiving; and `InvalidInput` if the buffer is empty, since 0 bytes
            /// would mean the end.
            pub fn receive_some(
                &self,
                buffer: &mut [u8],
            ) -> impl Future<Output = io::Result<usize>> {
                self.bytes.receive_some(buffer)
            }

            /// Tells the other side that nothing more will be sent; it can still be received. Idempotent.
            ///
            /// # Cancellation
            ///
            /// A checkpoint.
            ///
            /// # Errors
            ///
            /// As `send_all`.
            pub async fn send_eof(&self) -> io::Result<()> {
                self.bytes.send_eof(|socket| socket.shutdown(Shutdown::Write)).await
            }

            /// Sends what is in a file from `offset` on, `count` bytes or, with `None`, up to its end: how
            /// many bytes it were, fewer if the file ends before. The position of the file has no part in
            /// it.
            ///
            /// The system does it without copying where it can. Reading a file can hold up the thread, as
            /// any use of a file does.
            ///
            /// # Cancellation
            ///
            /// As `send_all`.
            ///
            /// # Errors
            ///
            /// As `send_all`, and those of reading the file.
            pub async fn send_file(
                &self,
                file: impl AsFd,
                offset: u64,
                count: Option<u64>,
            ) -> io::Result<u64> {
                crate::net::file_range::send(&self.bytes, file.as_fd(), offset, count).await
            }

            /// Closes the connection. Sync and idempotent; tasks that are sending or receiving get a
            /// [`ClosedResourceError`](crate::ClosedResourceError).
            pub fn close(&self) {
                self.bytes.close();
            }

            /// Calls a function with the socket as the `socket2` crate knows it: for options that have no
            /// method here. It is non-blocking, and must stay so.
            ///
            /// # Errors
            ///
            /// The function's, and a [`ClosedResourceError`](crate::ClosedResourceError) if the connection
            /// is closed.
            pub fn with_socket2<R>(
                &self,
                function: impl FnOnce(&socket2::Socket) -> io::Result<R>,
            ) -> io::Result<R> {
                self.bytes.with(function)
            }

            /// Takes the descriptor out; it stays non-blocking. Sync.
            ///
            /// # Errors
            ///
            /// A [`ClosedResourceError`](crate::ClosedResourceError) if the connection is closed.
            pub fn into_fd(self) -> io::Result<OwnedFd> {
                self.bytes.take().map(OwnedFd::from)
            }
        }

        impl AsyncResource for $name {
            /// Closes it; the system sends what it has buffered all the same.
            fn close_forcefully(&self) {
                $name::close(self);
            }
        }

        impl SendStream for $name {
            fn send_all(&self, data: &[u8]) -> impl Future<Output = io::Result<()>> {
                $name::send_all(self, data)
            }

            fn wait_send_all_might_not_block(&self) -> impl Future<Output = io::Result<()>> {
                $name::wait_send_all_might_not_block(self)
            }

            fn send_descriptor(&self) -> Option<$crate::stream::Descriptor<'_>> {
                Some((&self.bytes).into())
            }
        }

        impl ReceiveStream for $name {
            fn receive_some(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
                $name::receive_some(self, buffer)
            }

            fn receive_descriptor(&self) -> Option<$crate::stream::Descriptor<'_>> {
                Some((&self.bytes).into())
            }
        }

        impl HalfCloseableStream for $name {
            fn send_eof(&self) -> impl Future<Output = io::Result<()>> {
                $name::send_eof(self)
            }
        }

        impl AsRawFd for $name {
            /// The descriptor; -1 once the connection is closed.
            fn as_raw_fd(&self) -> RawFd {
                self.bytes.with(|socket| Ok(socket.as_raw_fd())).unwrap_or(-1)
            }
        }
    };
}

pub(super) use socket_stream;
