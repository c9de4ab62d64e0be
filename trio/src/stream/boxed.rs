//! The traits for trait objects.
//!
//! A trait whose methods return `impl Future` cannot be made an object. Each has a twin that can, which
//! every stream has; and the object is a stream in turn. So `Box<dyn DynStream>` holds any stream,
//! and is used like one.

use std::future::Future;
use std::io;
use std::pin::Pin;

use super::{AsyncResource, Descriptor, HalfCloseableStream, Listener, ReceiveStream, SendStream};

/// What the methods of the twins return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// [`AsyncResource`] for trait objects. Everything that is one has it; call the methods of that.
pub trait DynAsyncResource {
    /// [`AsyncResource::close_forcefully`].
    fn dyn_close_forcefully(&self);
    /// [`AsyncResource::close`].
    fn dyn_close(&self) -> BoxFuture<'_, io::Result<()>>;
}

impl<S: AsyncResource> DynAsyncResource for S {
    fn dyn_close_forcefully(&self) {
        self.close_forcefully();
    }

    fn dyn_close(&self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(self.close())
    }
}

/// [`SendStream`] for trait objects.
///
/// ```
/// use trio::stream::{DynSendStream, SendStream};
///
/// # #[trio::task] async fn example() -> std::io::Result<()> {
/// let (one, _end) = trio::testing::memory_stream_one_way_pair();
/// let (another, _end) = trio::testing::lockstep_stream_one_way_pair();
/// let streams: [Box<dyn DynSendStream>; 2] = [Box::new(one), Box::new(another)];
/// streams[0].send_all(b"hello").await
/// # }
/// # trio::run(example).unwrap();
/// ```
pub trait DynSendStream: DynAsyncResource {
    /// [`SendStream::send_all`].
    fn dyn_send_all<'a>(&'a self, data: &'a [u8]) -> BoxFuture<'a, io::Result<()>>;
    /// [`SendStream::wait_send_all_might_not_block`].
    fn dyn_wait_send_all_might_not_block(&self) -> BoxFuture<'_, io::Result<()>>;
    /// [`SendStream::send_descriptor`].
    fn dyn_send_descriptor(&self) -> Option<Descriptor<'_>>;
}

impl<S: SendStream> DynSendStream for S {
    fn dyn_send_all<'a>(&'a self, data: &'a [u8]) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.send_all(data))
    }

    fn dyn_wait_send_all_might_not_block(&self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(self.wait_send_all_might_not_block())
    }

    fn dyn_send_descriptor(&self) -> Option<Descriptor<'_>> {
        self.send_descriptor()
    }
}

/// [`ReceiveStream`] for trait objects.
pub trait DynReceiveStream: DynAsyncResource {
    /// [`ReceiveStream::receive_some`].
    fn dyn_receive_some<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<usize>>;
    /// [`ReceiveStream::receive_descriptor`].
    fn dyn_receive_descriptor(&self) -> Option<Descriptor<'_>>;
}

impl<S: ReceiveStream> DynReceiveStream for S {
    fn dyn_receive_some<'a>(&'a self, buffer: &'a mut [u8]) -> BoxFuture<'a, io::Result<usize>> {
        Box::pin(self.receive_some(buffer))
    }

    fn dyn_receive_descriptor(&self) -> Option<Descriptor<'_>> {
        self.receive_descriptor()
    }
}

/// [`Stream`](super::Stream) for trait objects.
pub trait DynStream: DynSendStream + DynReceiveStream {}

impl<S: SendStream + ReceiveStream> DynStream for S {}

/// [`HalfCloseableStream`] for trait objects.
pub trait DynHalfCloseableStream: DynStream {
    /// [`HalfCloseableStream::send_eof`].
    fn dyn_send_eof(&self) -> BoxFuture<'_, io::Result<()>>;
}

impl<S: HalfCloseableStream> DynHalfCloseableStream for S {
    fn dyn_send_eof(&self) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(self.send_eof())
    }
}

/// [`Listener`] for trait objects. Its connections are objects, too, so that one server can serve several
/// kinds.
///
/// ```
/// use trio::net::{TcpListener, UnixListener, serve_listeners};
/// use trio::stream::{DynListener, DynStream, SendStream};
///
/// #[trio::task]
/// async fn greet(stream: Box<dyn DynStream>) -> std::io::Result<()> {
///     stream.send_all(b"hello, whoever you are\n").await
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// # let path = std::env::temp_dir().join(format!("trio-both-{}", std::process::id()));
/// let listeners: Vec<Box<dyn DynListener>> = vec![
///     Box::new(TcpListener::bind("127.0.0.1:0".parse()?)?),
///     Box::new(UnixListener::bind(path)?),
/// ];
/// # let scope = trio::CancelScope::new();
/// # scope.cancel();
/// # scope.run(async {
/// serve_listeners(listeners, greet).await
/// # }).await;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub trait DynListener: DynAsyncResource {
    /// [`Listener::accept`].
    fn dyn_accept(&self) -> BoxFuture<'_, io::Result<Box<dyn DynStream>>>;
    /// [`Listener::try_accept`].
    ///
    /// # Errors
    ///
    /// As there.
    fn dyn_try_accept(&self) -> io::Result<Box<dyn DynStream>>;
}

impl<L: Listener<Stream: 'static>> DynListener for L {
    fn dyn_accept(&self) -> BoxFuture<'_, io::Result<Box<dyn DynStream>>> {
        Box::pin(async {
            let stream = self.accept().await?;
            Ok(Box::new(stream) as Box<dyn DynStream>)
        })
    }

    fn dyn_try_accept(&self) -> io::Result<Box<dyn DynStream>> {
        Ok(Box::new(self.try_accept()?))
    }
}

impl Listener for dyn DynListener + '_ {
    type Stream = Box<dyn DynStream>;

    fn accept(&self) -> impl Future<Output = io::Result<Box<dyn DynStream>>> {
        self.dyn_accept()
    }

    fn try_accept(&self) -> io::Result<Box<dyn DynStream>> {
        self.dyn_try_accept()
    }
}

macro_rules! objects {
    ($($object:ident: $($part:ident)*;)*) => {$(
        impl AsyncResource for dyn $object + '_ {
            fn close_forcefully(&self) {
                self.dyn_close_forcefully();
            }

            fn close(&self) -> impl Future<Output = io::Result<()>> {
                self.dyn_close()
            }
        }

        $(objects!(@$part $object);)*
    )*};
    (@sends $object:ident) => {
        impl SendStream for dyn $object + '_ {
            async fn send_all(&self, data: &[u8]) -> io::Result<()> {
                self.dyn_send_all(data).await
            }

            fn wait_send_all_might_not_block(&self) -> impl Future<Output = io::Result<()>> {
                self.dyn_wait_send_all_might_not_block()
            }

            fn send_descriptor(&self) -> Option<Descriptor<'_>> {
                self.dyn_send_descriptor()
            }
        }
    };
    (@receives $object:ident) => {
        impl ReceiveStream for dyn $object + '_ {
            async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
                self.dyn_receive_some(buffer).await
            }

            fn receive_descriptor(&self) -> Option<Descriptor<'_>> {
                self.dyn_receive_descriptor()
            }
        }
    };
    (@ends $object:ident) => {
        impl HalfCloseableStream for dyn $object + '_ {
            fn send_eof(&self) -> impl Future<Output = io::Result<()>> {
                self.dyn_send_eof()
            }
        }
    };
}

objects! {
    DynAsyncResource: ;
    DynSendStream: sends;
    DynReceiveStream: receives;
    DynStream: sends receives;
    DynHalfCloseableStream: sends receives ends;
    DynListener: ;
}
