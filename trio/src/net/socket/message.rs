//! Messages with control data: descriptors and credentials that come along.

use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrAny, SocketAddrUnix,
};
use socket2::SockAddr;

use super::{Socket, only_linux};
use crate::sys::sigpipe::NO_SIGNAL;

/// What the programs that are started do not inherit: the descriptors that come along. Where there is no
/// such flag they are told so one by one.
#[cfg(not(any(target_vendor = "apple", target_os = "illumos", target_os = "solaris")))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(any(target_vendor = "apple", target_os = "illumos", target_os = "solaris"))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::empty();

/// What [`Socket::recv_msg`] has received.
#[derive(Debug)]
#[non_exhaustive]
pub struct Message {
    /// How many bytes are in the buffers.
    pub bytes: usize,
    /// Where it came from, if the socket is not connected and the sender has an address.
    pub address: Option<SockAddr>,
    /// The descriptors that came along; those that are not taken out are closed with this.
    pub descriptors: Vec<OwnedFd>,
    /// Who has sent it, if the socket passes credentials: `set_pass_credentials`. Only on Linux.
    pub credentials: Option<Credentials>,
    /// What else the system said.
    pub flags: MessageFlags,
}

/// Who has sent a message, as the system vouches for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// The process.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
}

/// What the system says of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct MessageFlags {
    /// The datagram was longer than the buffers; the rest is lost.
    pub truncated: bool,
    /// There was more control data than was asked for; the rest is lost, and descriptors in it closed.
    pub control_truncated: bool,
    /// The last byte is one out of band.
    pub out_of_band: bool,
    /// This is the end of a record.
    pub end_of_record: bool,
}

/// What can be sent along with [`Socket::send_msg`].
#[derive(Clone, Copy, Debug)]
pub enum Control<'a> {
    /// Descriptors, of which the receiver gets duplicates.
    Descriptors(&'a [BorrowedFd<'a>]),
    /// Credentials: this process's, or those that it may claim. Linux only.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Credentials(Credentials),
}

impl Socket {
    /// Sends pieces of data as one message, with control data, and to an address if there is one.
    ///
    /// Of a stream, control data goes with the first byte, and cannot go with none.
    ///
    /// # Cancellation
    ///
    /// As [`send`](Socket::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Socket::send).
    ///
    /// ```
    /// use std::io::{IoSlice, IoSliceMut};
    /// use std::os::fd::AsFd;
    /// use trio::net::{Control, Domain, Socket, Type};
    ///
    /// # #[trio::task] async fn example() -> trio::Result<()> {
    /// let (a, b) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
    /// let file = std::fs::File::open("/dev/null")?;
    /// let control = [Control::Descriptors(&[file.as_fd()])];
    /// a.send_msg(&[IoSlice::new(b"a file")], &control, None).await?;
    ///
    /// let mut buffer = [0; 64];
    /// let message = b.recv_msg(&mut [IoSliceMut::new(&mut buffer)], 1).await?;
    /// assert_eq!((message.bytes, message.descriptors.len()), (6, 1));
    /// # Ok(()) }
    /// # trio::run(example).unwrap();
    /// ```
    pub async fn send_msg(
        &self,
        data: &[IoSlice<'_>],
        control: &[Control<'_>],
        address: Option<&SockAddr>,
    ) -> io::Result<usize> {
        let address = address.map(any_address).transpose()?;
        self.sending(|socket| send(socket, data, control, address.as_ref())).await
    }

    /// Receives a message into buffers, with up to `descriptors` descriptors that come along.
    ///
    /// # Cancellation
    ///
    /// As [`recv`](Socket::recv).
    ///
    /// # Errors
    ///
    /// As [`recv`](Socket::recv). If more descriptors came than were asked for, that is no error but a
    /// flag of the message.
    pub async fn recv_msg(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        descriptors: usize,
    ) -> io::Result<Message> {
        self.receiving(|socket| receive(socket, buffers, descriptors)).await
    }
}

/// Sends a message, in one operation.
pub(in crate::net) fn send(
    socket: &socket2::Socket,
    data: &[IoSlice<'_>],
    control: &[Control<'_>],
    address: Option<&SocketAddrAny>,
) -> io::Result<usize> {
    let size = control.iter().map(|control| control.for_system().size()).sum();
    let mut space = vec![MaybeUninit::uninit(); size];
    let mut buffer = SendAncillaryBuffer::new(&mut space);
    for control in control {
        let pushed = buffer.push(control.for_system());
        debug_assert!(pushed, "there is room for what was counted");
    }
    let flags = SendFlags::from_bits_retain(NO_SIGNAL.cast_unsigned());
    let sent = match address {
        None => rustix::net::sendmsg(socket, data, &mut buffer, flags),
        Some(address) => rustix::net::sendmsg_addr(socket, address, data, &mut buffer, flags),
    };
    Ok(sent?)
}

/// Receives a message, in one operation.
pub(in crate::net) fn receive(
    socket: &socket2::Socket,
    buffers: &mut [IoSliceMut<'_>],
    descriptors: usize,
) -> io::Result<Message> {
    let size = rustix::cmsg_space!(ScmRights(descriptors)) + only_linux::ROOM;
    let mut space = vec![MaybeUninit::uninit(); size];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::net::recvmsg(socket, buffers, &mut control, CLOSE_ON_EXEC)?;
    let mut message = Message {
        bytes: received.bytes,
        address: received.address.and_then(|address| known_address(&address)),
        descriptors: Vec::new(),
        credentials: None,
        flags: MessageFlags {
            truncated: received.flags.contains(ReturnFlags::TRUNC),
            control_truncated: received.flags.contains(ReturnFlags::CTRUNC),
            out_of_band: received.flags.contains(ReturnFlags::OOB),
            end_of_record: received.flags.contains(ReturnFlags::EOR),
        },
    };
    for part in control.drain() {
        match part {
            RecvAncillaryMessage::ScmRights(came) => message.descriptors.extend(came),
            other => message.credentials = only_linux::credentials(&other).or(message.credentials),
        }
    }
    if CLOSE_ON_EXEC.is_empty() {
        for descriptor in &message.descriptors {
            fcntl_setfd(descriptor, FdFlags::CLOEXEC)?;
        }
    }
    // There was room for one more where no credentials came.
    if message.descriptors.len() > descriptors {
        message.descriptors.truncate(descriptors);
        message.flags.control_truncated = true;
    }
    Ok(message)
}

impl<'a> Control<'a> {
    fn for_system(&self) -> SendAncillaryMessage<'a, 'a> {
        match *self {
            Control::Descriptors(descriptors) => SendAncillaryMessage::ScmRights(descriptors),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Control::Credentials(own) => {
                SendAncillaryMessage::ScmCredentials(only_linux::claimed(own))
            }
        }
    }
}

/// An address as the system call wants it.
fn any_address(address: &SockAddr) -> io::Result<SocketAddrAny> {
    if let Some(address) = address.as_socket() {
        return Ok(address.into());
    }
    if let Some(path) = address.as_pathname() {
        return Ok(SocketAddrUnix::new(path)?.into());
    }
    if let Some(address) = only_linux::abstract_address(address) {
        return Ok(address?.into());
    }
    let text = "a message can be sent to IP addresses and to Unix addresses that have a name";
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

/// An address from the system; `None` if it has no name.
fn known_address(address: &SocketAddrAny) -> Option<SockAddr> {
    if let Ok(address) = SocketAddr::try_from(address.clone()) {
        return Some(address.into());
    }
    let address = SocketAddrUnix::try_from(address.clone()).ok()?;
    if let Some(path) = address.path() {
        return SockAddr::unix(Path::new(OsStr::from_bytes(path.to_bytes()))).ok();
    }
    let mut name = vec![0];
    name.extend_from_slice(only_linux::abstract_name(&address)?);
    SockAddr::unix(Path::new(OsStr::from_bytes(&name))).ok()
}
