//! Unix datagrams.

use std::io::ErrorKind;

use tests::network::scratch;
use trio::net::UnixDatagram;
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{ClosedResourceError, is_error, nursery};

#[trio::test]
async fn a_pair_talks() {
    let (a, b) = UnixDatagram::pair().unwrap();
    assert_future_checkpoints(a.send(b"hello")).await.unwrap();
    let mut buffer = [0; 16];
    let count = assert_future_checkpoints(b.recv(&mut buffer)).await.unwrap();
    assert_eq!(&buffer[..count], b"hello");
    assert!(a.local_addr().unwrap().is_unnamed());
}

#[trio::test(allow(blocking_fs))]
async fn paths_are_sent_to_and_come_along() {
    let (first, second) = (scratch("first"), scratch("second"));
    let a = UnixDatagram::bind(&first).unwrap();
    let b = UnixDatagram::bind(&second).unwrap();
    assert_future_checkpoints(a.send_to(b"x", &second)).await.unwrap();
    let (count, from) = assert_future_checkpoints(b.recv_from(&mut [0; 4])).await.unwrap();
    assert_eq!((count, from.as_pathname()), (1, Some(first.as_path())));
    let c = UnixDatagram::unbound().unwrap();
    assert_future_checkpoints(c.connect(&first)).await.unwrap();
    c.send(b"yz").await.unwrap();
    let (count, from) = a.recv_from(&mut [0; 4]).await.unwrap();
    assert_eq!((count, from.is_unnamed()), (2, true));
    assert_eq!(UnixDatagram::bind(&first).unwrap_err().kind(), ErrorKind::AddrInUse);
    std::fs::remove_file(&first).unwrap();
    std::fs::remove_file(&second).unwrap();
    assert_eq!(c.send_to(b"x", &second).await.unwrap_err().kind(), ErrorKind::NotFound);
    let long = "x".repeat(200);
    let error = assert_future_checkpoints(c.send_to(b"x", &long)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let error = assert_future_checkpoints(c.connect(&long)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[cfg(target_os = "linux")]
#[trio::test]
async fn abstract_addresses_have_no_file() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    let name = format!("trio-datagram-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let a = UnixDatagram::bind_addr(&address).unwrap();
    assert_eq!(a.local_addr().unwrap().as_abstract_name(), Some(name.as_bytes()));
    wait_all_tasks_blocked().await;
}

#[trio::test]
async fn one_who_sends_waits_for_room_and_nothing_is_lost() {
    let (a, b) = UnixDatagram::pair().unwrap();
    nursery!(|n| {
        n.spawn(async {
            for number in 0..1000_u16 {
                a.send(&number.to_le_bytes()).await.unwrap();
            }
        });
        wait_all_tasks_blocked().await;
        let mut buffer = [0; 4];
        for number in 0..1000_u16 {
            assert_eq!(b.recv(&mut buffer).await?, 2);
            assert_eq!(buffer[..2], number.to_le_bytes());
        }
    })
    .unwrap();
}

#[trio::test]
async fn close_wakes_one_who_waits() {
    let (a, _b) = UnixDatagram::pair().unwrap();
    nursery!(|n| {
        n.spawn(async {
            let error = a.recv(&mut [0; 4]).await.unwrap_err();
            assert!(is_error::<ClosedResourceError>(&error), "{error}");
        });
        wait_all_tasks_blocked().await;
        a.close();
    })
    .unwrap();
}
