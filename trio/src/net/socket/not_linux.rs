//! Where messages have neither credentials nor addresses that are in no file system.

use rustix::net::{RecvAncillaryMessage, SocketAddrUnix};
use socket2::SockAddr;

use super::message::Credentials;

pub(super) const ROOM: usize = 0;

pub(super) fn credentials(_: &RecvAncillaryMessage<'_>) -> Option<Credentials> {
    None
}

pub(super) fn abstract_address(_: &SockAddr) -> Option<rustix::io::Result<SocketAddrUnix>> {
    None
}

pub(super) fn abstract_name(_: &SocketAddrUnix) -> Option<&[u8]> {
    None
}
