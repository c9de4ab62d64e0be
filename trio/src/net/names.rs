//! Names of hosts.
//!
//! ```text
//!   getaddrinfo ─▶ a number? ──yes──▶ (no look-up)
//!                     │ no
//!                     ▼
//!                  IDNA 2008 ─▶ this run's own resolver, if there is one
//!                                  │ none
//!                                  ▼
//!                               the system's, in a worker thread
//! ```

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use super::socket::Domain;
use crate::Call;
use crate::lowlevel::{RunVar, checkpoint};
use crate::stream::BoxFuture;
use crate::sync::CapacityLimiter;
use crate::thread::AbandonableThread;

/// How many names are looked up at once at most: a look-up can take a minute, and other work in threads
/// must not wait for it.
const LOOKUPS: usize = 20;

static RESOLVER: RunVar<Option<Rc<dyn HostnameResolver>>> = RunVar::new("host name resolver");
static LIMITER: RunVar<Rc<CapacityLimiter>> = RunVar::new("limiter of name look-ups");

/// What [`getaddrinfo`] is asked. Made from `(host, port)`.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct AddressQuery {
    /// The name of the host, or its number. `None` is this machine: all of its addresses if
    /// [`passive`](AddressQuery::passive), else the loopback ones.
    pub host: Option<String>,
    /// The port that the addresses get.
    pub port: u16,
    /// The only family that is wanted.
    pub family: Option<Domain>,
    /// The addresses are to be bound, not to be connected to.
    pub passive: bool,
}

impl AddressQuery {
    /// The addresses to connect to of this host and port.
    pub fn new(host: impl Into<String>, port: u16) -> AddressQuery {
        AddressQuery { host: Some(host.into()), port, family: None, passive: false }
    }

    /// The addresses to listen at of this machine.
    pub fn to_listen(port: u16) -> AddressQuery {
        AddressQuery { host: None, port, family: None, passive: true }
    }

    fn wants(&self, address: IpAddr) -> bool {
        self.family.is_none_or(|family| family == Domain::for_address((address, 0).into()))
    }

    /// The answer that needs no look-up.
    fn numeric(&self) -> Option<Vec<SocketAddr>> {
        let addresses = match &self.host {
            Some(host) => vec![host.parse().ok()?],
            None if self.passive => {
                vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()]
            }
            None => vec![Ipv6Addr::LOCALHOST.into(), IpAddr::from(Ipv4Addr::LOCALHOST)],
        };
        let wanted = addresses.into_iter().filter(|address| self.wants(*address));
        Some(wanted.map(|address| SocketAddr::new(address, self.port)).collect())
    }

    fn described(&self) -> &str {
        self.host.as_deref().unwrap_or("this machine")
    }
}

impl From<(&str, u16)> for AddressQuery {
    fn from((host, port): (&str, u16)) -> AddressQuery {
        AddressQuery::new(host, port)
    }
}

/// A resolver of one's own: see [`set_hostname_resolver`].
///
/// Its counterpart in Trio is `trio.abc.HostnameResolver`.
pub trait HostnameResolver {
    /// Looks up a name, which is in its ASCII form.
    fn getaddrinfo<'a>(
        &'a self,
        query: &'a AddressQuery,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;

    /// Looks up the name of an address, and of the service at its port.
    fn getnameinfo(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<(String, String)>>;
}

/// Lets this run ask another resolver than the system's, or that one again; gives the one before. Numeric
/// names are never asked for. For tests, and for resolvers that are not the system's.
///
/// Its counterpart in Trio is `trio.socket.set_custom_hostname_resolver`.
///
/// # Panics
///
/// Outside a run.
///
/// ```
/// use std::io;
/// use std::net::SocketAddr;
/// use std::rc::Rc;
/// use trio::net::{AddressQuery, HostnameResolver, getaddrinfo, set_hostname_resolver};
/// use trio::stream::BoxFuture;
///
/// struct Everywhere(SocketAddr);
///
/// impl HostnameResolver for Everywhere {
///     fn getaddrinfo<'a>(&'a self, _: &'a AddressQuery) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
///         Box::pin(async { Ok(vec![self.0]) })
///     }
///
///     fn getnameinfo(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<(String, String)>> {
///         Box::pin(async { Ok(("everywhere".into(), "anything".into())) })
///     }
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// set_hostname_resolver(Some(Rc::new(Everywhere("127.0.0.1:80".parse()?))));
/// assert_eq!(getaddrinfo(("example.org", 80)).await?, ["127.0.0.1:80".parse()?]);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[track_caller]
pub fn set_hostname_resolver(
    resolver: Option<Rc<dyn HostnameResolver>>,
) -> Option<Rc<dyn HostnameResolver>> {
    let before = RESOLVER.get().flatten();
    RESOLVER.set(resolver);
    before
}

/// Looks up the addresses of a host, in the order in which they are to be tried.
///
/// A number is not looked up. Names that are not ASCII are those of IDNA 2008, with the feature `idna`.
/// The system is asked in a thread, as many at once as 20.
///
/// # Cancellation
///
/// A checkpoint. A look-up that is cancelled goes on in its thread, and what it finds is dropped. Its
/// counterpart in Trio is `trio.socket.getaddrinfo`.
///
/// # Errors
///
/// `InvalidInput` if it cannot be a host's name, and the resolver's, naming the host.
///
/// # Panics
///
/// When awaited outside a task.
///
/// ```
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let addresses = trio::net::getaddrinfo(("127.0.0.1", 80)).await?;
/// assert_eq!(addresses, ["127.0.0.1:80".parse()?]);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn getaddrinfo(
    query: impl Into<AddressQuery>,
) -> Call<impl Future<Output = io::Result<Vec<SocketAddr>>>> {
    look_up(query.into())
}

#[crate::task(crate = "crate")]
async fn look_up(mut query: AddressQuery) -> io::Result<Vec<SocketAddr>> {
    if let Some(addresses) = query.numeric() {
        checkpoint().await;
        return if addresses.is_empty() { Err(nothing(&query)) } else { Ok(addresses) };
    }
    if let Some(host) = &mut query.host {
        match to_ascii(host) {
            Ok(name) => *host = name,
            Err(error) => {
                checkpoint().await;
                return Err(error);
            }
        }
    }
    let found = match RESOLVER.get().flatten() {
        Some(resolver) => resolver.getaddrinfo(&query).await,
        None => {
            let asked = query.clone();
            thread().run(move || ask_system(&asked)).await
        }
    };
    let addresses = found.map_err(|error| {
        let text = format!("cannot look up {}: {error}", query.described());
        io::Error::new(error.kind(), text)
    })?;
    if addresses.is_empty() { Err(nothing(&query)) } else { Ok(addresses) }
}

/// Looks up the name of a host, and that of the service at the port.
///
/// # Cancellation
///
/// As [`getaddrinfo`]. Its counterpart in Trio is `trio.socket.getnameinfo`.
///
/// # Errors
///
/// The resolver's, naming the address.
///
/// # Panics
///
/// When awaited outside a task.
#[crate::task(crate = "crate")]
pub async fn getnameinfo(address: SocketAddr) -> io::Result<(String, String)> {
    let found = match RESOLVER.get().flatten() {
        Some(resolver) => resolver.getnameinfo(address).await,
        None => thread().run(move || Ok(dns_lookup::getnameinfo(&address, 0)?)).await,
    };
    found
        .map_err(|error| io::Error::new(error.kind(), format!("cannot look up {address}: {error}")))
}

fn thread() -> AbandonableThread {
    let limiter = LIMITER.get().unwrap_or_else(|| {
        let limiter = Rc::new(CapacityLimiter::new(LOOKUPS));
        LIMITER.set(Rc::clone(&limiter));
        limiter
    });
    AbandonableThread::new().name("name look-up").limiter(limiter)
}

fn ask_system(query: &AddressQuery) -> io::Result<Vec<SocketAddr>> {
    let hints = dns_lookup::AddrInfoHints {
        socktype: dns_lookup::SockType::Stream.into(),
        address: query.family.map_or(0, i32::from),
        ..Default::default()
    };
    let mut addresses = Vec::new();
    for found in dns_lookup::getaddrinfo(query.host.as_deref(), None, Some(hints))? {
        let mut address = found?.sockaddr;
        address.set_port(query.port);
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}

fn nothing(query: &AddressQuery) -> io::Error {
    let text = format!("{} has no address of this family", query.described());
    io::Error::new(io::ErrorKind::NotFound, text)
}

/// The name as resolvers know it.
fn to_ascii(host: &str) -> io::Result<String> {
    let invalid = |why: &dyn fmt::Display| {
        let text = format!("`{}` cannot be the name of a host: {why}", host.escape_debug());
        Err(io::Error::new(io::ErrorKind::InvalidInput, text))
    };
    if host.is_empty() || host.contains('\0') {
        return invalid(&"it is empty, or has a zero byte");
    }
    if host.is_ascii() {
        return Ok(host.to_owned());
    }
    #[cfg(feature = "idna")]
    match idna::domain_to_ascii(host) {
        Ok(name) => Ok(name),
        Err(error) => invalid(&error),
    }
    #[cfg(not(feature = "idna"))]
    invalid(&"it is not ASCII, and the feature `idna` is off")
}
