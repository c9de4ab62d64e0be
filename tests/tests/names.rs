//! Names of hosts.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use tests::rerun::alone;
use trio::net::{
    AddressQuery, Domain, HostnameResolver, getaddrinfo, getnameinfo, set_hostname_resolver,
};
use trio::stream::BoxFuture;
use trio::testing::{active_thread_count, assert_checkpoints};
use trio::thread::default_thread_limiter;
use trio::{CancelScope, lowlevel::checkpoint, nursery};

/// A resolver that notes what it is asked.
#[derive(Default)]
struct Asked(RefCell<Vec<AddressQuery>>);

impl HostnameResolver for Asked {
    fn getaddrinfo<'a>(
        &'a self,
        query: &'a AddressQuery,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async {
            checkpoint().await;
            self.0.borrow_mut().push(query.clone());
            match query.host.as_deref() {
                Some("missing.example") => Err(io::Error::new(io::ErrorKind::NotFound, "no such")),
                Some("empty.example") => Ok(Vec::new()),
                _ => Ok(vec![SocketAddr::from(([192, 0, 2, 1], query.port))]),
            }
        })
    }

    fn getnameinfo(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<(String, String)>> {
        Box::pin(async move { Ok((format!("name of {}", address.ip()), "service".to_owned())) })
    }
}

fn note() -> Rc<Asked> {
    let asked = Rc::new(Asked::default());
    set_hostname_resolver(Some(Rc::clone(&asked) as Rc<dyn HostnameResolver>));
    asked
}

fn parse(addresses: &[&str]) -> Vec<SocketAddr> {
    addresses.iter().map(|address| address.parse().unwrap()).collect()
}

// R157 (test_getaddrinfo)
#[trio::test]
async fn numbers_are_not_looked_up() {
    let asked = note();
    let found = assert_checkpoints(|| getaddrinfo(("127.0.0.1", 80))).await.unwrap();
    assert_eq!(found, parse(&["127.0.0.1:80"]));
    assert_eq!(getaddrinfo(("::1", 80)).await.unwrap(), parse(&["[::1]:80"]));
    let to_listen = assert_checkpoints(|| getaddrinfo(AddressQuery::to_listen(80))).await;
    assert_eq!(to_listen.unwrap(), parse(&["0.0.0.0:80", "[::]:80"]));
    let mut loopback = AddressQuery::to_listen(80);
    loopback.passive = false;
    assert_eq!(getaddrinfo(loopback.clone()).await.unwrap(), parse(&["[::1]:80", "127.0.0.1:80"]));
    loopback.family = Some(Domain::IPV4);
    assert_eq!(getaddrinfo(loopback).await.unwrap(), parse(&["127.0.0.1:80"]));
    let mut other = AddressQuery::new("127.0.0.1", 80);
    other.family = Some(Domain::IPV6);
    let error = getaddrinfo(other).await.unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 has no address of this family");
    assert!(asked.0.borrow().is_empty());
    assert_eq!(active_thread_count(), 0);
}

// R157
#[trio::test]
async fn the_system_knows_localhost() {
    let found = assert_checkpoints(|| getaddrinfo(("localhost", 80))).await.unwrap();
    assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
    assert!(!found.is_empty());
    let (host, service) = getnameinfo(SocketAddr::from(([127, 0, 0, 1], 80))).await.unwrap();
    assert!(!host.is_empty() && !service.is_empty());
}

// R157
#[trio::test]
async fn a_name_that_nobody_knows_is_an_error_that_names_it() {
    let error = getaddrinfo(("no-such-host.invalid", 80)).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot look up no-such-host.invalid: "), "{error}");
}

// R157 (test_custom_hostname_resolver)
#[trio::test]
async fn a_run_can_have_a_resolver_of_its_own() {
    let asked = note();
    let found = getaddrinfo(("example.org", 443)).await.unwrap();
    assert_eq!(found, parse(&["192.0.2.1:443"]));
    assert_eq!(*asked.0.borrow(), [AddressQuery::new("example.org", 443)]);
    let error = getaddrinfo(("missing.example", 1)).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot look up missing.example: no such");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let error = getaddrinfo(("empty.example", 1)).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let name = getnameinfo(SocketAddr::from(([192, 0, 2, 9], 1))).await.unwrap();
    assert_eq!(name, ("name of 192.0.2.9".to_owned(), "service".to_owned()));
    let before = set_hostname_resolver(None).unwrap();
    assert!(std::ptr::addr_eq(Rc::as_ptr(&before), Rc::as_ptr(&asked)));
    assert!(set_hostname_resolver(None).is_none());
}

#[test]
fn another_run_has_the_system_s_resolver() {
    trio::run(|| async { drop(note()) });
    trio::run(|| async { assert!(set_hostname_resolver(None).is_none()) });
}

// R157 (test_idna)
#[trio::test]
async fn names_that_are_not_ascii_are_those_of_idna() {
    let asked = note();
    getaddrinfo(("faß.de", 1)).await.unwrap();
    getaddrinfo(("éÉ.COM", 1)).await.unwrap();
    let hosts: Vec<String> = asked.0.borrow().iter().map(|it| it.host.clone().unwrap()).collect();
    assert_eq!(hosts, ["xn--fa-hia.de", "xn--9caa.com"]);
}

#[trio::test]
async fn what_cannot_be_a_name_is_refused_before_anybody_is_asked() {
    let asked = note();
    for name in ["", "a\0b", "\u{fdd0}.com", "xn--a\u{e4}.com"] {
        let error = assert_checkpoints(|| getaddrinfo((name, 1))).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}: {error}");
        assert!(error.to_string().contains("cannot be the name of a host"), "{error}");
    }
    assert!(asked.0.borrow().is_empty());
}

#[trio::test]
async fn a_look_up_does_not_wait_for_what_other_threads_do() {
    let limiter = default_thread_limiter();
    limiter.set_total_tokens(1);
    let token = limiter.acquire().await;
    assert!(!getaddrinfo(("localhost", 80)).await.unwrap().is_empty());
    drop(token);
}

#[trio::task]
async fn looks_up_many() {
    let mut most = 0;
    nursery!(|n| {
        let look_ups: Vec<_> = (0..60).map(|_| n.spawn(getaddrinfo, ("localhost", 80))).collect();
        while look_ups.iter().any(|it| !it.is_finished()) {
            checkpoint().await;
            most = most.max(active_thread_count());
        }
    })
    .unwrap();
    assert!((1..=20).contains(&most), "{most}");
}

/// In a process of its own: the threads of other tests are none of its business.
#[test]
fn no_more_than_twenty_names_are_looked_up_at_once() {
    if alone("no_more_than_twenty_names_are_looked_up_at_once") {
        trio::run(looks_up_many);
    }
}

#[trio::test]
async fn a_look_up_is_cancelled() {
    let asked = note();
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.run(|| getaddrinfo(("example.org", 1))).await.is_none());
    assert!(asked.0.borrow().is_empty());
}
