//! Unix streams and listeners.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::sync::Barrier;
use std::thread;

use tests::network::{receive_all, scratch};
use tests::threads::in_thread;
use trio::net::{Domain, Socket, Type, UnixListener, UnixStream};
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{BusyResourceError, ClosedResourceError, is_error, nursery};

#[trio::test]
async fn a_listener_takes_connections_at_its_path_and_removes_it() {
    let path = scratch("listener");
    let listener = UnixListener::bind(&path).unwrap();
    assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(path.as_path()));
    nursery!(|n| {
        n.spawn(async {
            let stream = assert_future_checkpoints(UnixStream::connect(&path)).await?;
            assert_eq!(stream.peer_addr()?.as_pathname(), Some(path.as_path()));
            stream.send_all(b"hello").await
        });
        let stream = assert_future_checkpoints(listener.accept()).await?;
        assert_eq!(receive_all(&stream).await.unwrap(), b"hello");
    })
    .unwrap();
    listener.close();
    assert!(!exists(&path));
    assert!(is_error::<ClosedResourceError>(&listener.accept().await.unwrap_err()));
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

#[trio::test(allow(blocking_net))]
async fn a_file_that_nobody_listens_at_is_replaced() {
    let path = scratch("stale");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(exists(&path));
    let listener = UnixListener::bind(&path).unwrap();
    assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(path.as_path()));
    nursery!(|n| {
        n.spawn(async { UnixStream::connect(&path).await.map(drop) });
        listener.accept().await.map(drop)?;
    })
    .unwrap();
    drop(listener);
    assert!(!exists(&path));
}

/// Binds, in a run of its own, and keeps it until everybody has.
#[trio::task(allow(never_awaits, blocking_sync))]
async fn binds_at_once(path: &Path, everybody: &Barrier) -> io::Result<()> {
    everybody.wait();
    let listener = UnixListener::bind(path);
    everybody.wait();
    listener.map(drop)
}

#[test]
fn of_those_who_replace_a_file_at_once_one_has_it_and_the_others_an_error() {
    const THREADS: usize = 8;
    for round in 0..50 {
        let path = scratch(&format!("at-once-{round}"));
        // Every second time nothing is there to be replaced.
        if round % 2 == 0 {
            drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        }
        let everybody = Barrier::new(THREADS);
        let results: Vec<io::Result<()>> = thread::scope(|scope| {
            let bind = || trio::run(|| binds_at_once(&path, &everybody));
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(bind)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let (bound, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!(bound.len(), 1, "in round {round}");
        for error in refused {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::AddrInUse);
        }
        assert!(!exists(&path));
        let lock = path.with_file_name(format!(".{}.lock", path.file_name().unwrap().display()));
        assert!(!exists(&lock));
    }
}

#[trio::test(allow(blocking_fs))]
async fn a_lock_that_nobody_lets_go_of_is_an_address_in_use() {
    let path = scratch("locked");
    let lock = path.with_file_name(format!(".{}.lock", path.file_name().unwrap().display()));
    let held = File::create(&lock).unwrap();
    held.lock().unwrap();
    assert_eq!(UnixListener::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
    // One that a process has left behind is nobody's.
    drop(held);
    drop(UnixListener::bind(&path).unwrap());
    assert!(!exists(&path) && !exists(&lock));
    wait_all_tasks_blocked().await;
}

#[trio::test(allow(blocking_fs))]
async fn a_path_that_is_in_use_or_no_socket_is_left_alone() {
    let path = scratch("in-use");
    let listener = UnixListener::bind(&path).unwrap();
    assert_eq!(UnixListener::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(listener);
    fs::write(&path, b"mine").unwrap();
    assert_eq!(UnixListener::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    fs::remove_file(&path).unwrap();
    wait_all_tasks_blocked().await;
}

#[trio::test(allow(blocking_fs))]
async fn a_file_that_is_another_ones_or_is_to_be_kept_stays() {
    let path = scratch("moved");
    let listener = UnixListener::bind(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    listener.close();
    assert!(exists(&path));
    other.keep_file();
    drop(other);
    assert!(exists(&path));
    fs::remove_file(&path).unwrap();
    wait_all_tasks_blocked().await;
}

#[cfg(target_os = "linux")]
#[trio::test]
async fn abstract_addresses_have_no_file() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    let name = format!("trio-unix-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    let client = assert_future_checkpoints(UnixStream::connect_addr(&address)).await.unwrap();
    let server = listener.accept().await.unwrap();
    client.send_all(b"x").await.unwrap();
    assert_eq!(server.receive_some(&mut [0; 4]).await.unwrap(), 1);
    assert_eq!(client.peer_addr().unwrap().as_abstract_name(), Some(name.as_bytes()));
    assert_eq!(listener.try_accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[trio::test]
async fn connecting_where_nobody_listens_names_the_path() {
    let error =
        assert_future_checkpoints(UnixStream::connect("/no/such/socket")).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot connect to /no/such/socket: "), "{error}");
    let long = "x".repeat(200);
    assert_eq!(
        assert_future_checkpoints(UnixStream::connect(&long)).await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}

#[trio::test(allow(blocking_fs))]
async fn descriptors_are_passed() {
    let (a, b) = UnixStream::pair().unwrap();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let fds = [writer.as_fd()];
    assert_future_checkpoints(a.send_with_descriptors(b"x", &fds)).await.unwrap();
    drop(writer);
    let mut buffer = [0; 4];
    let received = assert_future_checkpoints(b.receive_with_descriptors(&mut buffer, 2));
    let (count, mut came) = received.await.unwrap();
    assert_eq!((count, came.len()), (1, 1));
    File::from(came.pop().unwrap()).write_all(b"through").unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "through");
    let null = File::open("/dev/null").unwrap();
    let error = a.send_with_descriptors(b"", &[null.as_fd()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    a.send_with_descriptors(b"x", &[null.as_fd(), null.as_fd(), null.as_fd()]).await.unwrap();
    let error = b.receive_with_descriptors(&mut buffer, 1).await.unwrap_err();
    assert_eq!(error.to_string(), "more than 1 descriptors came");
}

#[cfg(target_os = "linux")]
#[trio::test]
async fn the_other_side_has_credentials() {
    let (a, _b) = UnixStream::pair().unwrap();
    let credentials = a.peer_credentials().unwrap();
    assert_eq!(credentials.pid, std::process::id());
    assert_eq!(credentials.uid, rustix::process::getuid().as_raw());
    wait_all_tasks_blocked().await;
}

#[trio::test(allow(blocking_fs))]
async fn a_file_is_sent_in_parts_or_as_a_whole() {
    let path = scratch("file");
    let content: Vec<u8> = (0..5_000_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    fs::write(&path, &content).unwrap();
    let file = File::open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let (a, b) = UnixStream::pair().unwrap();
    nursery!(|n| {
        n.spawn(async {
            assert_eq!(a.send_file(&file, 0, None).await?, 5_000_000);
            assert_eq!(a.send_file(&file, 10, Some(20)).await?, 20);
            assert_eq!(
                assert_future_checkpoints(a.send_file(&file, 4_999_999, Some(20))).await?,
                1
            );
            assert_eq!(assert_future_checkpoints(a.send_file(&file, 0, Some(0))).await?, 0);
            let busy = async { a.send_file(&file, 0, None).await };
            a.send_eof().await?;
            assert!(is_error::<ClosedResourceError>(&busy.await.unwrap_err()));
            Ok::<_, std::io::Error>(())
        });
        let received = receive_all(&b).await.unwrap();
        assert!(received[..5_000_000] == content);
        assert_eq!(received[5_000_000..5_000_020], content[10..30]);
        assert_eq!(received[5_000_020..], content[4_999_999..]);
    })
    .unwrap();
}

#[trio::test(allow(blocking_fs))]
async fn nobody_sends_in_the_midst_of_a_file() {
    let (a, b) = UnixStream::pair().unwrap();
    let file = File::open("/dev/zero").unwrap();
    nursery!(|n| {
        n.spawn(async {
            let sent = a.send_file(&file, 0, Some(10_000_000)).await?;
            assert_eq!(sent, 10_000_000);
            a.send_eof().await
        });
        wait_all_tasks_blocked().await;
        let error = a.send_all(b"x").await.unwrap_err();
        assert!(is_error::<BusyResourceError>(&error), "{error}");
        assert_eq!(receive_all(&b).await.unwrap().len(), 10_000_000);
    })
    .unwrap();
}

#[trio::test]
async fn what_is_no_unix_stream_is_refused() {
    let (a, _b) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
    assert_eq!(UnixStream::from_socket(a).unwrap_err().kind(), ErrorKind::InvalidInput);
    let (a, b) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
    UnixStream::from_socket(a).unwrap().send_all(b"x").await.unwrap();
    let fd = UnixStream::from_socket(b).unwrap().into_fd().unwrap();
    assert_eq!(Socket::from_fd(fd).unwrap().recv(&mut [0; 4]).await.unwrap(), 1);
}

/// Python gets the reading end of a pipe and sends back what it has read, through one that it has made.
#[trio::test(allow(blocking_fs))]
async fn descriptors_go_to_a_python_process_and_come_back() {
    const SCRIPT: &str = "
import array, os, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
data, fds, flags, address = socket.recv_fds(connection, 16, 1)
text = os.read(fds[0], 100)
reader, writer = os.pipe()
os.write(writer, data + b' ' + text)
os.close(writer)
socket.send_fds(connection, [b'here'], [reader])
";
    let path = scratch("python");
    let listener = UnixListener::bind(&path).unwrap();
    let mut python = Command::new("python3").args(["-c", SCRIPT]).arg(&path).spawn().unwrap();
    let stream = listener.accept().await.unwrap();
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"in the pipe").unwrap();
    stream.send_with_descriptors(b"it is", &[reader.as_fd()]).await.unwrap();
    let mut buffer = [0; 16];
    let (count, mut came) = stream.receive_with_descriptors(&mut buffer, 1).await.unwrap();
    assert_eq!(&buffer[..count], b"here");
    let mut text = String::new();
    File::from(came.pop().unwrap()).read_to_string(&mut text).unwrap();
    assert_eq!(text, "it is in the pipe");
    assert!(in_thread(move || python.wait().unwrap()).await.success());
}
