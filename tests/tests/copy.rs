//! Copying from one stream to another, and between two.

use std::cell::Cell;
use std::io;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tests::network::{noise, receive_all, tcp_pair};
use tests::rerun::alone;
use trio::net::{TcpStream, UnixStream};
use trio::signal::{Signal, open_signal_receiver};
use trio::stream::{
    AsyncResource, BufferedStream, Descriptor, DynHalfCloseableStream, HalfCloseableStream,
    ReceiveStream, SendStream, StapledStream, copy, pipe, pump,
};
use trio::testing::{
    FaultInjector, MockClock, SystemCall, assert_checkpoints, lockstep_stream_pair,
    memory_stream_one_way_pair, memory_stream_pair, wait_all_tasks_blocked,
};
use trio::{BrokenResourceError, ClosedResourceError, is_error, nursery};

const MUCH: usize = 1 << 20;

#[trio::task]
async fn send_and_end<S: HalfCloseableStream + ?Sized>(stream: &S, data: &[u8]) -> io::Result<()> {
    stream.send_all(data).await?;
    stream.send_eof().await
}

type Ends = (Box<dyn DynHalfCloseableStream>, Box<dyn DynHalfCloseableStream>);

/// Connections of every kind.
#[trio::task]
async fn connections() -> Vec<Ends> {
    let tcp = tcp_pair().await;
    let unix = UnixStream::pair().unwrap();
    let (memory, lockstep) = (memory_stream_pair(), lockstep_stream_pair());
    let (there, back) = (pipe().unwrap(), pipe().unwrap());
    let buffered = tcp_pair().await;
    vec![
        (Box::new(tcp.0), Box::new(tcp.1)),
        (Box::new(unix.0), Box::new(unix.1)),
        (Box::new(memory.0), Box::new(memory.1)),
        (Box::new(lockstep.0), Box::new(lockstep.1)),
        (
            Box::new(StapledStream::new(there.1, back.0)),
            Box::new(StapledStream::new(back.1, there.0)),
        ),
        (Box::new(BufferedStream::new(buffered.0)), Box::new(BufferedStream::new(buffered.1))),
    ]
}

#[trio::test]
async fn copying_ends_with_what_it_copies_and_closes_nothing() {
    let ((near, from), (to, far)) = (memory_stream_one_way_pair(), memory_stream_one_way_pair());
    near.send_all(b"hello").await.unwrap();
    near.close().await.unwrap();
    let copied = assert_checkpoints(async { copy(&from, &to).await }).await;
    assert_eq!(copied.unwrap(), 5);
    assert_eq!(assert_checkpoints(async { copy(&from, &to).await }).await.unwrap(), 0);
    to.send_all(b", world").await.unwrap();
    to.close().await.unwrap();
    assert_eq!(receive_all(&far).await.unwrap(), b"hello, world");
    assert_eq!(from.receive_some(&mut [0; 4]).await.unwrap(), 0);
}

#[trio::test]
async fn everything_comes_through_between_any_two_kinds_of_streams() {
    let (up, down) = (noise(1, MUCH), noise(2, MUCH / 2 + 7));
    let kinds = connections().await.len();
    for one in 0..kinds {
        for other in 0..kinds {
            let (client, a) = connections().await.swap_remove(one);
            let (b, server) = connections().await.swap_remove(other);
            nursery!(|n| {
                let counts = n.spawn(async { pump(&*a, &*b).await });
                n.spawn(send_and_end, &*client, &up);
                n.spawn(send_and_end, &*server, &down);
                let there = n.spawn(receive_all, &*server);
                let back = n.spawn(receive_all, &*client);
                counts.wait().await;
                assert_eq!(counts.take(), Some((up.len() as u64, down.len() as u64)));
                there.wait().await;
                back.wait().await;
                assert!(there.take() == Some(up.clone()), "{one} to {other}");
                assert!(back.take() == Some(down.clone()), "{other} to {one}");
            })
            .unwrap();
        }
    }
}

#[trio::test]
async fn a_side_that_has_ended_still_gets_what_the_other_sends() {
    let ((client, a), (b, server)) = (tcp_pair().await, UnixStream::pair().unwrap());
    nursery!(|n| {
        n.spawn(async { pump(&a, &b).await });
        client.send_eof().await?;
        assert_eq!(server.receive_some(&mut [0; 8]).await?, 0);
        server.send_all(b"still").await?;
        let mut buffer = [0; 8];
        assert_eq!(client.receive_some(&mut buffer).await?, 5);
        server.send_eof().await?;
        assert_eq!(client.receive_some(&mut buffer).await?, 0);
    })
    .unwrap();
}

/// Is received from like the stream inside, and counts how much is received by way of the memory.
struct Counted<'a>(TcpStream, &'a Cell<usize>);

impl AsyncResource for Counted<'_> {
    fn close_forcefully(&self) {
        self.0.close();
    }
}

impl ReceiveStream for Counted<'_> {
    async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.receive_some(buffer).await?;
        self.1.set(self.1.get() + count);
        Ok(count)
    }

    fn receive_descriptor(&self) -> Option<Descriptor<'_>> {
        self.0.receive_descriptor()
    }
}

#[cfg(target_os = "linux")]
#[trio::test]
async fn many_bytes_do_not_come_into_memory() {
    let ((client, from), (to, server)) = (tcp_pair().await, UnixStream::pair().unwrap());
    let (data, in_memory) = (noise(3, 16 * MUCH), Cell::new(0));
    let from = Counted(from, &in_memory);
    nursery!(|n| {
        n.spawn(send_and_end, &client, &data);
        let received = n.spawn(receive_all, &server);
        assert_eq!(copy(&from, &to).await?, data.len() as u64);
        to.send_eof().await?;
        received.wait().await;
        assert!(received.take() == Some(data.clone()));
    })
    .unwrap();
    assert!(in_memory.get() > 0);
    assert!(in_memory.get() < data.len() / 2, "{} in memory", in_memory.get());
}

#[trio::test]
async fn a_descriptor_that_takes_nothing_from_a_pipe_gets_everything_all_the_same() {
    let ((client, from), (to, out)) = (tcp_pair().await, UnixStream::pair().unwrap());
    // The system refuses to splice to what appends.
    let append =
        |socket: &socket2::Socket| Ok(fcntl_setfl(socket, fcntl_getfl(socket)? | OFlags::APPEND)?);
    to.with_socket2(append).unwrap();
    let (data, in_memory) = (noise(4, 4 * MUCH), Cell::new(0));
    let from = Counted(from, &in_memory);
    nursery!(|n| {
        n.spawn(send_and_end, &client, &data);
        let received = n.spawn(receive_all, &out);
        assert_eq!(copy(&from, &to).await?, data.len() as u64);
        to.close();
        received.wait().await;
        assert!(received.take() == Some(data.clone()));
    })
    .unwrap();
    assert!(in_memory.get() > data.len() / 2, "{} in memory", in_memory.get());
}

#[trio::task]
async fn without_descriptors() {
    let ((client, from), (to, server)) = (tcp_pair().await, tcp_pair().await);
    let data = noise(6, 4 * MUCH);
    let limit = Rlimit { current: Some(0), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).unwrap();
    nursery!(|n| {
        n.spawn(send_and_end, &client, &data);
        let received = n.spawn(receive_all, &server);
        assert_eq!(copy(&from, &to).await?, data.len() as u64);
        to.send_eof().await?;
        received.wait().await;
        assert!(received.take() == Some(data.clone()));
    })
    .unwrap();
}

#[test]
fn where_no_descriptor_is_left_for_a_pipe_it_is_copied_all_the_same() {
    if alone("where_no_descriptor_is_left_for_a_pipe_it_is_copied_all_the_same") {
        trio::run(without_descriptors);
    }
}

#[trio::test]
async fn a_system_that_moves_one_byte_at_a_time_moves_all_of_them() {
    let ((client, from), (to, server)) = (tcp_pair().await, tcp_pair().await);
    let data = noise(5, 100_000);
    client.send_all(&data[..80_000]).await.unwrap();
    let faults = FaultInjector::new();
    nursery!(|n| {
        let received = n.spawn(receive_all, &server);
        n.spawn(async {
            copy(&from, &to).await?;
            to.send_eof().await
        });
        wait_all_tasks_blocked().await;
        faults.shorten_all(SystemCall::Write);
        send_and_end(&client, &data[80_000..]).await?;
        received.wait().await;
        assert!(received.take() == Some(data.clone()));
    })
    .unwrap();
}

/// Writes where nobody reads, with each system call that there is for it.
#[trio::task(allow(blocking_fs))]
async fn writes_to_nobody() {
    let mut signals = open_signal_receiver([Signal::SIGPIPE]).unwrap();
    let (from, to) = pipe().unwrap();
    drop(from);
    assert!(is_error::<BrokenResourceError>(&to.send_all(b"write").await.unwrap_err()));
    let (a, b) = UnixStream::pair().unwrap();
    drop(b);
    let file = std::fs::File::open("Cargo.toml").unwrap();
    let error = a.send_file(&file, 0, None).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    let (near, from) = UnixStream::pair().unwrap();
    nursery!(|n| {
        n.spawn(async {
            // So much at once that the system is to bring the rest.
            let _: io::Result<()> = near.send_all(&vec![0; MUCH]).await;
        });
        let (to, far) = UnixStream::pair().unwrap();
        n.spawn(async move {
            wait_all_tasks_blocked().await;
            far.close();
        });
        let error = copy(&from, &to).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        n.cancel();
    })
    .unwrap();
    let wait = Duration::from_secs(1);
    assert_eq!(trio::move_on_after(wait, async { signals.receive().await }).await, None);
}

/// In a process of its own, in which the signal is not ignored from the beginning.
#[test]
fn writing_where_nobody_reads_is_an_error_and_no_signal() {
    if alone("writing_where_nobody_reads_is_an_error_and_no_signal") {
        trio::Builder::new().clock(MockClock::autojump()).run(writes_to_nobody);
    }
}

#[trio::test]
async fn a_cancellation_unwinds_both_directions() {
    let ((client, a), (b, server)) = (tcp_pair().await, tcp_pair().await);
    nursery!(|n| {
        let task = n.spawn(async { pump(&a, &b).await });
        // One direction waits to receive, the other to send.
        let clogging = n.spawn(async { server.send_all(&vec![0; 64 * MUCH]).await });
        wait_all_tasks_blocked().await;
        task.cancel();
        task.wait().await;
        assert_eq!(task.take(), None);
        // Nobody uses them any more: no conflict.
        a.send_all(b"").await?;
        b.send_all(b"").await?;
        clogging.cancel();
    })
    .unwrap();
    drop(client);
}

#[trio::test]
async fn if_one_direction_fails_the_other_is_cancelled() {
    let ((client, a), (b, server)) = (tcp_pair().await, lockstep_stream_pair());
    let group = nursery!(|n| {
        let pumping = n.spawn(async { pump(&a, &b).await });
        client.send_all(b"to nobody").await?;
        server.close().await?;
        pumping.wait().await;
    })
    .unwrap_err();
    assert_eq!(group.leaves().count(), 1);
    assert!(group.find::<io::Error>().is_some_and(|error| is_error::<BrokenResourceError>(error)));
}

#[trio::test]
async fn a_stream_that_is_closed_meanwhile_ends_it() {
    let ((client, from), (to, server)) = (tcp_pair().await, tcp_pair().await);
    nursery!(|n| {
        n.spawn(async {
            let error = copy(&from, &to).await.unwrap_err();
            assert!(is_error::<ClosedResourceError>(&error));
        });
        wait_all_tasks_blocked().await;
        from.close();
    })
    .unwrap();
    drop((client, server));
}
