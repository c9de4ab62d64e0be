//! What points to a stream or a listener is one.

use std::future::Future;
use std::io;
use std::rc::Rc;

use super::{AsyncResource, Descriptor, HalfCloseableStream, Listener, ReceiveStream, SendStream};

macro_rules! pointers {
    ($($pointer:ty;)*) => {$(
        impl<S: AsyncResource + ?Sized> AsyncResource for $pointer {
            fn close_forcefully(&self) {
                (**self).close_forcefully();
            }

            fn close(&self) -> impl Future<Output = io::Result<()>> {
                (**self).close()
            }
        }

        impl<S: SendStream + ?Sized> SendStream for $pointer {
            fn send_all(&self, data: &[u8]) -> impl Future<Output = io::Result<()>> {
                (**self).send_all(data)
            }

            fn wait_send_all_might_not_block(&self) -> impl Future<Output = io::Result<()>> {
                (**self).wait_send_all_might_not_block()
            }

            fn send_descriptor(&self) -> Option<Descriptor<'_>> {
                (**self).send_descriptor()
            }
        }

        impl<S: ReceiveStream + ?Sized> ReceiveStream for $pointer {
            fn receive_some(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
                (**self).receive_some(buffer)
            }

            fn receive_descriptor(&self) -> Option<Descriptor<'_>> {
                (**self).receive_descriptor()
            }
        }

        impl<S: HalfCloseableStream + ?Sized> HalfCloseableStream for $pointer {
            fn send_eof(&self) -> impl Future<Output = io::Result<()>> {
                (**self).send_eof()
            }
        }

        impl<S: Listener + ?Sized> Listener for $pointer {
            type Stream = S::Stream;

            fn accept(&self) -> impl Future<Output = io::Result<S::Stream>> {
                (**self).accept()
            }

            fn try_accept(&self) -> io::Result<S::Stream> {
                (**self).try_accept()
            }
        }
    )*};
}

pointers! {
    &S;
    Box<S>;
    Rc<S>;
}
