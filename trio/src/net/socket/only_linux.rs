//! What messages have on Linux alone: credentials, and addresses that are in no file system.

use rustix::net::{RecvAncillaryMessage, SocketAddrUnix, UCred};
use rustix::process::{Gid, Pid, Uid};
use socket2::SockAddr;

use super::message::Credentials;

/// How much control data the credentials of a sender take.
pub(super) const ROOM: usize = rustix::cmsg_space!(ScmCredentials(1));

/// The credentials in a part of the control data, if it is those.
pub(super) fn credentials(part: &RecvAncillaryMessage<'_>) -> Option<Credentials> {
    match part {
        RecvAncillaryMessage::ScmCredentials(came) => Some(known(*came)),
        _ => None,
    }
}

/// Credentials from the system.
pub(in crate::net) fn known(own: UCred) -> Credentials {
    Credentials {
        pid: own.pid.as_raw_nonzero().get().unsigned_abs(),
        uid: own.uid.as_raw(),
        gid: own.gid.as_raw(),
    }
}

/// And for it.
pub(super) fn claimed(own: Credentials) -> UCred {
    UCred {
        // A process that cannot be is refused by the system, as any that is not ours to claim.
        pid: i32::try_from(own.pid).ok().and_then(Pid::from_raw).unwrap_or(Pid::INIT),
        uid: Uid::from_raw(own.uid),
        gid: Gid::from_raw(own.gid),
    }
}

/// The address as the system call wants it, if it is abstract.
pub(super) fn abstract_address(address: &SockAddr) -> Option<rustix::io::Result<SocketAddrUnix>> {
    address.as_abstract_namespace().map(SocketAddrUnix::new_abstract_name)
}

/// The name of an address from the system, if it is abstract.
pub(super) fn abstract_name(address: &SocketAddrUnix) -> Option<&[u8]> {
    address.abstract_name()
}
