//! The traits of streams: as bounds, as objects, and implemented by others.

use std::cell::Cell;
use std::future::{Future, pending, ready};
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;

use tests::probe::is_ready;
use trio::lowlevel::checkpoint;
use trio::net::{TcpListener, TcpStream};
use trio::stream::{
    AsyncResource, ConflictDetector, DynAsyncResource, DynHalfCloseableStream, DynReceiveStream,
    DynSendStream, DynStream, HalfCloseableStream, ReceiveStream, SendStream, StapledStream,
    Stream, closing, pipe,
};
use trio::testing::{
    check_half_closeable_stream, lockstep_stream_pair, memory_stream_one_way_pair,
    memory_stream_pair, wait_all_tasks_blocked,
};
use trio::{BusyResourceError, CancelScope, ClosedResourceError, is_error, nursery};

/// A stream of somebody else's: it scrambles what goes through another one.
struct Scrambled<S>(S);

impl<S: AsyncResource> AsyncResource for Scrambled<S> {
    fn close_forcefully(&self) {
        self.0.close_forcefully();
    }

    fn close(&self) -> impl Future<Output = io::Result<()>> {
        self.0.close()
    }
}

impl<S: SendStream> SendStream for Scrambled<S> {
    async fn send_all(&self, data: &[u8]) -> io::Result<()> {
        let data: Vec<u8> = data.iter().map(|byte| byte ^ 0x55).collect();
        self.0.send_all(&data).await
    }

    async fn wait_send_all_might_not_block(&self) -> io::Result<()> {
        self.0.wait_send_all_might_not_block().await
    }
}

impl<S: ReceiveStream> ReceiveStream for Scrambled<S> {
    async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.0.receive_some(buffer).await?;
        buffer[..count].iter_mut().for_each(|byte| *byte ^= 0x55);
        Ok(count)
    }
}

impl<S: HalfCloseableStream> HalfCloseableStream for Scrambled<S> {
    async fn send_eof(&self) -> io::Result<()> {
        self.0.send_eof().await
    }
}

#[trio::test(clock = "mock")]
async fn a_stream_of_others_is_written_with_async_functions_and_keeps_the_rules() {
    let make = async || {
        let (a, b) = lockstep_stream_pair();
        (Scrambled(a), Scrambled(Scrambled(Scrambled(b))))
    };
    check_half_closeable_stream(make, make).await;
}

/// Code that takes any stream.
#[trio::task]
async fn shout<S: Stream + ?Sized>(stream: &S) -> io::Result<()> {
    let mut buffer = [0; 16];
    loop {
        match stream.receive_some(&mut buffer).await? {
            0 => return stream.close().await,
            count => stream.send_all(&buffer[..count].to_ascii_uppercase()).await?,
        }
    }
}

#[trio::task]
async fn is_answered<S: HalfCloseableStream + ?Sized>(stream: &S) -> io::Result<()> {
    stream.wait_send_all_might_not_block().await?;
    stream.send_all(b"hello").await?;
    stream.send_eof().await?;
    let mut buffer = [0; 16];
    assert_eq!(stream.receive_some(&mut buffer).await?, 5);
    assert_eq!(&buffer[..5], b"HELLO");
    assert_eq!(stream.receive_some(&mut buffer).await?, 0);
    stream.close().await
}

#[trio::test]
async fn every_kind_of_stream_can_be_an_object() {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let tcp = TcpStream::connect(address).await.unwrap();
    let accepted = listener.accept().await.unwrap();
    let (memory, other) = memory_stream_pair();
    let pairs: [(Box<dyn DynHalfCloseableStream>, Box<dyn DynStream>); 2] =
        [(Box::new(tcp), Box::new(accepted)), (Box::new(memory), Box::new(other))];
    for (here, there) in &pairs {
        nursery!(|n| {
            n.spawn(shout, &**there);
            is_answered(&**here).await?;
        })
        .unwrap();
    }
    let (send, receive) = memory_stream_one_way_pair();
    let send: Rc<dyn DynSendStream> = Rc::new(send);
    let receive: &dyn DynReceiveStream = &receive;
    send.send_all(b"x").await.unwrap();
    assert_eq!(receive.receive_some(&mut [0; 4]).await.unwrap(), 1);
    let resources: [&dyn DynAsyncResource; 2] = [&send, &receive];
    resources[0].close().await.unwrap();
    resources[1].close_forcefully();
    assert!(is_error::<ClosedResourceError>(&send.send_all(b"x").await.unwrap_err()));
    let error = receive.receive_some(&mut [0]).await.unwrap_err();
    assert!(is_error::<ClosedResourceError>(&error));
}

/// Counts how often it was closed, and how.
#[derive(Default)]
struct Counted {
    properly: Cell<u32>,
    forcefully: Cell<u32>,
}

impl Counted {
    fn counts(&self) -> (u32, u32) {
        (self.properly.get(), self.forcefully.get())
    }
}

impl AsyncResource for Counted {
    fn close_forcefully(&self) {
        self.forcefully.set(self.forcefully.get() + 1);
    }

    fn close(&self) -> impl Future<Output = io::Result<()>> {
        let properly = async {
            checkpoint().await;
            self.properly.set(self.properly.get() + 1);
            Err(io::Error::other("the other side does not say goodbye"))
        };
        closing(properly, || self.close_forcefully())
    }
}

#[trio::test]
async fn closing_ends_by_force_whatever_came_of_doing_it_properly() {
    let resource = Counted::default();
    let error = resource.close().await.unwrap_err();
    assert_eq!(error.to_string(), "the other side does not say goodbye");
    assert_eq!(resource.counts(), (1, 1));
}

#[trio::test]
async fn a_close_that_is_called_off_closes_by_force() {
    fn never_poll(close: impl Future) {
        drop(close);
    }
    let resource = Counted::default();
    never_poll(resource.close());
    assert_eq!(resource.counts(), (0, 1));
    let resource = Counted::default();
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.run(async { resource.close().await }).await.is_none());
    assert_eq!(resource.counts(), (0, 1));
    // In the midst of it.
    let resource = Counted::default();
    let close = closing(pending(), || resource.close_forcefully());
    trio::move_on_after(std::time::Duration::ZERO, async { close.await.is_ok() }).await;
    assert_eq!(resource.counts(), (0, 1));
}

/// What has nothing to say when it is closed.
struct Silent(Cell<bool>);

impl AsyncResource for Silent {
    fn close_forcefully(&self) {
        self.0.set(true);
    }
}

#[trio::test]
async fn who_has_nothing_to_say_is_closed_at_once() {
    let silent = Silent(Cell::new(false));
    let other_goes_first = Cell::new(false);
    nursery!(|n| {
        n.spawn(async { other_goes_first.set(silent.0.get()) });
        silent.close().await?;
        // It is a schedule point, too: the other has run, after it was closed.
        assert!(other_goes_first.get());
    })
    .unwrap();
}

// R165 (test_misdirected_aclose_regression)
#[trio::test]
async fn closing_once_more_does_not_disturb_who_has_the_number_now() {
    let (first, to) = pipe().unwrap();
    let number = first.as_raw_fd();
    first.close();
    let (second, number_again) = loop {
        // Other tests of this process take numbers, too.
        let (second, to) = pipe().unwrap();
        if second.as_raw_fd() == number || to.as_raw_fd() == number {
            break (second, to);
        }
    };
    first.close();
    drop((first, to));
    number_again.send_all(b"x").await.unwrap();
    assert_eq!(second.receive_some(&mut [0]).await.unwrap(), 1);
}

/// Closes a pipe in the same turn in which its reader is woken: whether the reader was before it.
#[trio::task]
async fn closed_when_it_is_woken() -> bool {
    let ((from, to), (signal, go)) = (pipe().unwrap(), pipe().unwrap());
    let mut received = None;
    nursery!(|n| {
        n.spawn(async {
            received = Some(from.receive_some(&mut [0]).await);
        });
        n.spawn(async {
            signal.receive_some(&mut [0]).await?;
            from.close();
            Ok::<_, io::Error>(())
        });
        wait_all_tasks_blocked().await;
        // Both are woken by one look at the system.
        to.send_all(b"x").await?;
        go.send_all(b"x").await?;
    })
    .unwrap();
    match received.unwrap() {
        Ok(count) => count == 1,
        Err(error) => {
            assert!(is_error::<ClosedResourceError>(&error), "{error}");
            false
        }
    }
}

// R165 (test_close_at_bad_time_for_receive_some)
#[test]
fn a_close_between_the_wake_up_and_the_read_is_a_closed_resource_error() {
    let before = |seed| trio::Builder::new().scheduler_seed(seed).run(closed_when_it_is_woken);
    let (earlier, later): (Vec<u64>, Vec<u64>) = (0..20).partition(|seed| before(*seed));
    assert!(!earlier.is_empty() && !later.is_empty(), "{earlier:?} {later:?}");
}

// R164
#[trio::test]
async fn a_stapled_stream_has_one_sender_at_a_time() {
    let (a, b) = lockstep_stream_pair();
    nursery!(|n| {
        n.spawn(async { a.send_all(b"x").await });
        wait_all_tasks_blocked().await;
        assert!(is_error::<BusyResourceError>(&a.send_all(b"y").await.unwrap_err()));
        assert!(is_error::<BusyResourceError>(&a.send_eof().await.unwrap_err()));
        let error = a.wait_send_all_might_not_block().await.unwrap_err();
        assert!(is_error::<BusyResourceError>(&error));
        assert_eq!(b.receive_some(&mut [0; 4]).await?, 1);
    })
    .unwrap();
}

// R164
#[trio::test]
async fn a_stapled_stream_passes_on_to_its_halves() {
    let (send, receive) = memory_stream_one_way_pair();
    let echo = StapledStream::new(send, receive);
    is_echoed(&echo).await;
    assert!(is_error::<ClosedResourceError>(&echo.send.send_all(b"x").await.unwrap_err()));
    let error = echo.receive.receive_some(&mut [0]).await.unwrap_err();
    assert!(is_error::<ClosedResourceError>(&error));
}

#[trio::task]
async fn is_echoed<S: HalfCloseableStream>(stream: &S) {
    stream.wait_send_all_might_not_block().await.unwrap();
    stream.send_all(b"hello").await.unwrap();
    stream.send_eof().await.unwrap();
    assert!(is_error::<ClosedResourceError>(&stream.send_all(b"x").await.unwrap_err()));
    assert_eq!(stream.receive_some(&mut [0; 16]).await.unwrap(), 5);
    assert_eq!(stream.receive_some(&mut [0; 16]).await.unwrap(), 0);
    stream.close().await.unwrap();
}

#[trio::test]
async fn a_conflict_is_over_when_the_operation_is_dropped() {
    let detector = ConflictDetector::new();
    let operation = || async {
        let _guard = detector.enter()?;
        pending::<()>().await;
        Ok::<_, BusyResourceError>(())
    };
    std::future::poll_fn(|cx| {
        let mut first = Box::pin(operation());
        assert!(!is_ready(cx, first.as_mut()));
        assert!(is_ready(cx, operation()));
        drop(first);
        assert!(!is_ready(cx, operation()));
        std::task::Poll::Ready(())
    })
    .await;
    ready(()).await;
    assert!(detector.enter().is_ok());
}
