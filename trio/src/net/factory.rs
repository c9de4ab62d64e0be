//! Where the sockets of a run come from.

use std::io;
use std::rc::Rc;

use super::socket::{Domain, Protocol, Socket, Type};
use crate::lowlevel::RunVar;

static FACTORY: RunVar<Option<Rc<dyn SocketFactory>>> = RunVar::new("socket factory");

/// What makes the sockets of a run: see [`set_socket_factory`].
///
/// Its counterpart in Trio is `trio.abc.SocketFactory`.
pub trait SocketFactory {
    /// Makes a socket. [`Socket::from_system`] makes one as the run does without a factory.
    ///
    /// # Errors
    ///
    /// What keeps it from making one.
    fn socket(&self, domain: Domain, ty: Type, protocol: Option<Protocol>) -> io::Result<Socket>;
}

/// Lets a factory make the sockets of this run, or the system again; gives the one before.
///
/// It is asked for every socket that is not accepted, paired or taken over: by [`Socket::new`], and so by
/// what connects, listens and binds. For tests, and to set an option on all sockets before they are used.
///
/// Its counterpart in Trio is `trio.socket.set_custom_socket_factory`.
///
/// # Panics
///
/// Outside a run.
///
/// ```
/// use std::cell::Cell;
/// use std::io;
/// use std::rc::Rc;
/// use trio::net::{Domain, Protocol, Socket, SocketFactory, Type, UdpSocket, set_socket_factory};
///
/// #[derive(Default)]
/// struct Counts(Cell<u32>);
///
/// impl SocketFactory for Counts {
///     fn socket(&self, domain: Domain, ty: Type, protocol: Option<Protocol>) -> io::Result<Socket> {
///         self.0.set(self.0.get() + 1);
///         Socket::from_system(domain, ty, protocol)
///     }
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let counts = Rc::new(Counts::default());
/// set_socket_factory(Some(Rc::clone(&counts) as Rc<dyn SocketFactory>));
/// UdpSocket::bind("127.0.0.1:0".parse()?)?;
/// assert_eq!(counts.0.get(), 1);
/// # trio::lowlevel::checkpoint().await;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[track_caller]
pub fn set_socket_factory(factory: Option<Rc<dyn SocketFactory>>) -> Option<Rc<dyn SocketFactory>> {
    let before = FACTORY.get().flatten();
    FACTORY.set(factory);
    before
}

/// The factory of this run.
pub(super) fn current() -> Option<Rc<dyn SocketFactory>> {
    FACTORY.get().flatten()
}
