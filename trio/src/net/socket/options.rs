//! What can be set on a socket.
//!
//! Everything here is sync. An option that the system or the kind of the socket does not have is an
//! error of the system's, and a socket that is closed gives a `ClosedResourceError`.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::Socket;

macro_rules! options {
    ($($(#[$doc:meta])* $get:ident, $set:ident: $type:ty = $of_get:ident, $of_set:ident;)*) => {
        impl Socket {$(
            $(#[$doc])*
            ///
            /// # Errors
            ///
            /// The system's, and a [`ClosedResourceError`](crate::ClosedResourceError) if the socket is
            /// closed.
            pub fn $get(&self) -> io::Result<$type> {
                self.with_socket2(socket2::Socket::$of_get)
            }

            #[doc = concat!("Sets [`", stringify!($get), "`](Socket::", stringify!($get), ").")]
            ///
            /// # Errors
            ///
            /// As there.
            pub fn $set(&self, value: $type) -> io::Result<()> {
                self.with_socket2(|socket| socket.$of_set(value))
            }
        )*}
    };
}

options! {
    /// `SO_REUSEADDR`: an address can be bound although connections of it linger.
    reuse_address, set_reuse_address: bool = reuse_address, set_reuse_address;
    /// `SO_BROADCAST`: datagrams can be sent to broadcast addresses.
    broadcast, set_broadcast: bool = broadcast, set_broadcast;
    /// `SO_KEEPALIVE`: the system looks from time to time whether the other side is still there.
    keepalive, set_keepalive: bool = keepalive, set_keepalive;
    /// `SO_LINGER`: how long closing goes on sending in the background; `None` is the system's own way.
    linger, set_linger: Option<Duration> = linger, set_linger;
    /// `SO_RCVBUF`: the size of the system's buffer for what was received, in bytes. Linux doubles it.
    recv_buffer_size, set_recv_buffer_size: usize = recv_buffer_size, set_recv_buffer_size;
    /// `SO_SNDBUF`: the size of the system's buffer for what is to be sent, in bytes. Linux doubles it.
    send_buffer_size, set_send_buffer_size: usize = send_buffer_size, set_send_buffer_size;
    /// `TCP_NODELAY`: small pieces are sent at once.
    nodelay, set_nodelay: bool = tcp_nodelay, set_tcp_nodelay;
    /// `IPV6_V6ONLY`: IPv4 has no part in an IPv6 socket.
    only_v6, set_only_v6: bool = only_v6, set_only_v6;
    /// `IP_TTL`: how many hops an IPv4 packet may take.
    ttl_v4, set_ttl_v4: u32 = ttl_v4, set_ttl_v4;
    /// `IPV6_UNICAST_HOPS`: how many hops an IPv6 packet may take.
    hops_v6, set_hops_v6: u32 = unicast_hops_v6, set_unicast_hops_v6;
    /// `IP_MULTICAST_TTL`: how many hops an IPv4 multicast packet may take.
    multicast_ttl_v4, set_multicast_ttl_v4: u32 = multicast_ttl_v4, set_multicast_ttl_v4;
    /// `IP_MULTICAST_LOOP`: what is sent to an IPv4 group comes back to this machine.
    multicast_loop_v4, set_multicast_loop_v4: bool = multicast_loop_v4, set_multicast_loop_v4;
    /// `IPV6_MULTICAST_HOPS`: how many hops an IPv6 multicast packet may take.
    multicast_hops_v6, set_multicast_hops_v6: u32 = multicast_hops_v6, set_multicast_hops_v6;
    /// `IPV6_MULTICAST_LOOP`: what is sent to an IPv6 group comes back to this machine.
    multicast_loop_v6, set_multicast_loop_v6: bool = multicast_loop_v6, set_multicast_loop_v6;
    /// `IP_TOS`: the type of service of IPv4 packets.
    tos_v4, set_tos_v4: u32 = tos_v4, set_tos_v4;
}

#[cfg(not(any(target_os = "illumos", target_os = "solaris")))]
options! {
    /// `SO_REUSEPORT`: several sockets can be bound to one address. On Linux they share what comes; elsewhere
    /// the last one may get all of it. Not on illumos and Solaris.
    reuse_port, set_reuse_port: bool = reuse_port, set_reuse_port;
}

#[cfg(any(target_os = "linux", target_os = "android"))]
options! {
    /// `TCP_NOTSENT_LOWAT`: from how many unsent bytes on the socket counts as full. Linux only.
    not_sent_low_water, set_not_sent_low_water: u32 = tcp_notsent_lowat, set_tcp_notsent_lowat;
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Socket {
    /// `SO_PASSCRED`: messages come with the sender's credentials. Linux only.
    ///
    /// # Errors
    ///
    /// The system's, and a [`ClosedResourceError`](crate::ClosedResourceError) if the socket is closed.
    pub fn pass_credentials(&self) -> io::Result<bool> {
        self.with_socket2(|socket| Ok(rustix::net::sockopt::socket_passcred(socket)?))
    }

    /// Sets [`pass_credentials`](Socket::pass_credentials).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_pass_credentials(&self, value: bool) -> io::Result<()> {
        self.with_socket2(|socket| Ok(rustix::net::sockopt::set_socket_passcred(socket, value)?))
    }
}

impl Socket {
    /// The error that is pending on the socket, which is then forgotten: `SO_ERROR`.
    ///
    /// # Errors
    ///
    /// A [`ClosedResourceError`](crate::ClosedResourceError) if the socket is closed.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.with_socket2(socket2::Socket::take_error)
    }

    /// The type of the socket.
    ///
    /// # Errors
    ///
    /// A [`ClosedResourceError`](crate::ClosedResourceError) if the socket is closed.
    pub fn kind(&self) -> io::Result<socket2::Type> {
        self.with_socket2(socket2::Socket::r#type)
    }

    /// Joins an IPv4 multicast group, on the interface that has this address.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.with_socket2(|socket| socket.join_multicast_v4(group, interface))
    }

    /// Leaves an IPv4 multicast group.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn leave_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.with_socket2(|socket| socket.leave_multicast_v4(group, interface))
    }

    /// Joins an IPv6 multicast group, on the interface of this index; 0 is any.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.with_socket2(|socket| socket.join_multicast_v6(group, interface))
    }

    /// Leaves an IPv6 multicast group.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.with_socket2(|socket| socket.leave_multicast_v6(group, interface))
    }

    /// Sends IPv4 multicast from the interface that has this address.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn set_multicast_interface_v4(&self, interface: &Ipv4Addr) -> io::Result<()> {
        self.with_socket2(|socket| socket.set_multicast_if_v4(interface))
    }
}
