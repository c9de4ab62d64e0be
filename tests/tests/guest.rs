//! Guest mode: runs that another event loop hosts, by callbacks or by a descriptor and a timeout.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SendError, Sender, channel};
use std::task::Poll;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tests::panics::panic_text;
use tests::probe::OnDrop;
use tests::rerun::{rerun, stderr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use trio::lowlevel::{
    Clock, GuestRun, Host, HostCall, Instrument, Next, ParkingLot, RunError, Task, checkpoint,
    current_trio_token, in_trio_run, in_trio_task, spawn_system_task, start_guest_run, statistics,
};
use trio::net::{TcpListener, TcpStream};
use trio::testing::{MockClock, wait_all_tasks_blocked, wait_all_tasks_blocked_for};
use trio::{Builder, CancelScope, nursery};

/// Far longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

/// The plainest host: a loop around a queue of callbacks.
struct Loop {
    sender: Sender<HostCall>,
    calls: Receiver<HostCall>,
    called: Cell<u32>,
}

/// What `done` was given.
type Done<T> = Rc<RefCell<Option<Result<T, RunError<T>>>>>;

impl Loop {
    fn new() -> Loop {
        let (sender, calls) = channel();
        Loop { sender, calls, called: Cell::new(0) }
    }

    fn host(&self) -> Host {
        let sender = self.sender.clone();
        // A host that is gone drops what it is given.
        Host::new(move |call| drop(sender.send(call)))
    }

    fn start<T: 'static>(
        &self,
        builder: Builder,
        thunk: impl trio::Thunk<Output = T, Frame: 'static>,
    ) -> Done<T> {
        let done = Done::default();
        let told = Rc::clone(&done);
        builder.start_guest_run(thunk, self.host(), move |result| {
            assert!(!in_trio_run());
            assert!(told.borrow_mut().replace(result).is_none());
        });
        done
    }

    fn turn(&self) {
        let call = self.calls.recv_timeout(LONG).expect("the guest asks for its turn");
        self.called.set(self.called.get() + 1);
        call();
    }

    /// Gives the guest its turns until it waits.
    fn settle(&self) {
        while let Ok(call) = self.calls.try_recv() {
            call();
        }
    }

    fn until_done<T>(&self, done: &Done<T>) -> Result<T, RunError<T>> {
        while done.borrow().is_none() {
            self.turn();
        }
        done.take().expect("it is there")
    }

    fn run<T: 'static>(
        &self,
        thunk: impl trio::Thunk<Output = T, Frame: 'static>,
    ) -> Result<T, RunError<T>> {
        let done = self.start(Builder::new(), thunk);
        self.until_done(&done)
    }
}

/// A host with a poll of its own, for the descriptor of the guest and another.
fn poll_both<T>(guest: &GuestRun<T>, other: Option<&dyn AsFd>, timeout: Option<Duration>) {
    let timeout = timeout.map(|timeout| Timespec::try_from(timeout).unwrap());
    let mut fds = vec![PollFd::new(guest, PollFlags::IN)];
    if let Some(other) = &other {
        fds.push(PollFd::new(other, PollFlags::IN));
    }
    poll(&mut fds, timeout.as_ref()).unwrap();
}

fn step_to_end<T>(mut guest: GuestRun<T>) -> Result<T, RunError<T>> {
    while let Next::Poll(timeout) = guest.step() {
        poll_both(&guest, None, timeout);
    }
    guest.finish()
}

/// Steps a guest until it is not runnable; how long it would wait then.
fn step_until_it_waits<T>(guest: &mut GuestRun<T>) -> Option<Duration> {
    loop {
        match guest.step() {
            Next::Poll(Some(Duration::ZERO)) => {}
            Next::Poll(timeout) => return timeout,
            Next::Over => panic!("the run is over"),
        }
    }
}

/// Whether the descriptor says that the guest has something to do.
fn wants_a_step<T>(guest: &GuestRun<T>) -> bool {
    let mut fds = [PollFd::new(guest, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default())).unwrap() == 1
}

#[trio::task]
async fn five() -> u32 {
    checkpoint().await;
    5
}

/// Waits in `lot` for its turn.
#[trio::task]
async fn park(lot: Rc<ParkingLot>) -> &'static str {
    lot.park().await.unwrap();
    "woken"
}

// J97
#[test]
fn the_value_of_main_comes_through_done() {
    let host = Loop::new();
    assert_eq!(host.run(five).unwrap(), 5);
    assert_eq!(host.run(|| async { "again" }).unwrap(), "again");
    assert!(!in_trio_run());
}

// J97
#[test]
fn an_error_of_main_is_a_value_and_a_panic_comes_with_its_payload() {
    let host = Loop::new();
    let result: Result<u32, io::ErrorKind> =
        host.run(|| async { Err(io::ErrorKind::NotFound) }).unwrap();
    assert_eq!(result, Err(io::ErrorKind::NotFound));
    let error = host
        .run(|| async {
            checkpoint().await;
            std::panic::panic_any(42_u32);
        })
        .unwrap_err();
    assert_eq!(error.to_string(), "the main task panicked: (a payload that is not text)");
    let RunError::Panicked(payload) = error else { panic!("{error:?}") };
    assert_eq!(payload.downcast_ref(), Some(&42_u32));
    assert_eq!(host.run(five).unwrap(), 5);
}

#[trio::task]
async fn echo_once(listener: TcpListener) -> io::Result<()> {
    let stream = listener.accept().await?;
    let mut buffer = [0; 64];
    let count = stream.receive_some(&mut buffer).await?;
    stream.send_all(&buffer[..count]).await
}

#[trio::task]
async fn ask(address: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(address).await?;
    stream.send_all(question).await?;
    let mut buffer = [0; 64];
    let count = stream.receive_some(&mut buffer).await?;
    Ok(buffer[..count].to_vec())
}

#[trio::task]
async fn asks_itself() -> trio::Result<Vec<u8>> {
    let listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
    let address = listener.local_addr()?;
    let answer = nursery!(|n| {
        n.spawn(echo_once, listener);
        trio::sleep(Duration::from_millis(1)).await;
        ask(address, b"hello").await?
    })?;
    Ok(answer)
}

// J97
#[test]
fn a_guest_can_do_io_and_sleep() {
    assert_eq!(Loop::new().run(asks_itself).unwrap().unwrap(), b"hello");
    assert_eq!(step_to_end(Builder::new().guest(asks_itself)).unwrap().unwrap(), b"hello");
}

// J97
#[test]
fn a_host_with_a_poll_of_its_own_waits_for_its_own_descriptors_too() {
    use std::io::{Read, Write};

    let (mut near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut heard = 0;
    let mut guest = Builder::new().guest(move || async move {
        for _ in 0..3 {
            trio::sleep(Duration::from_millis(1)).await;
            trio::lowlevel::wait_writable(&far).await.unwrap();
            (&far).write_all(b"x").unwrap();
        }
        // Until the host has answered.
        trio::lowlevel::wait_readable(&far).await.unwrap();
        "answered"
    });
    while let Next::Poll(timeout) = guest.step() {
        poll_both(&guest, Some(&near), timeout);
        near.set_nonblocking(true).unwrap();
        let mut byte = [0];
        if near.read(&mut byte).is_ok() {
            heard += 1;
            if heard == 3 {
                near.write_all(b"y").unwrap();
            }
        }
    }
    assert_eq!(heard, 3);
    assert_eq!(guest.finish().unwrap(), "answered");
}

// J97
#[test]
fn a_tokio_program_hosts_a_run_and_both_do_io_and_sleep() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = tokio::task::LocalSet::new();
    let answers = local.block_on(&runtime, async {
        let (sender, mut calls) = tokio::sync::mpsc::unbounded_channel::<HostCall>();
        let hosting = tokio::task::spawn_local(async move {
            while let Some(call) = calls.recv().await {
                call();
            }
        });
        // Tokio serves, and the guest asks.
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let of_tokio = server.local_addr().unwrap();
        let serving = tokio::task::spawn_local(async move {
            let (mut stream, _) = server.accept().await.unwrap();
            let mut buffer = [0; 64];
            let count = stream.read(&mut buffer).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
            stream.write_all(&buffer[..count]).await.unwrap();
        });
        let (tell, told) = tokio::sync::oneshot::channel();
        let (bound, listening) = tokio::sync::oneshot::channel();
        start_guest_run(
            move || guest_of_tokio(of_tokio, bound),
            move |call| drop(sender.send(call)),
            move |result| assert!(tell.send(result).is_ok()),
        );
        // The guest serves, and tokio asks.
        let of_guest: SocketAddr = listening.await.unwrap();
        let mut stream = tokio::net::TcpStream::connect(of_guest).await.unwrap();
        stream.write_all(b"from tokio").await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        serving.await.unwrap();
        let asked = told.await.unwrap().unwrap().unwrap();
        hosting.await.unwrap();
        (answer, asked)
    });
    assert_eq!(answers, (b"from tokio".to_vec(), b"from trio".to_vec()));
}

#[trio::task]
async fn guest_of_tokio(
    server: SocketAddr,
    bound: tokio::sync::oneshot::Sender<SocketAddr>,
) -> trio::Result<Vec<u8>> {
    let listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
    bound.send(listener.local_addr()?).unwrap();
    let answer = nursery!(|n| {
        n.spawn(echo_once, listener);
        trio::sleep(Duration::from_millis(1)).await;
        ask(server, b"from trio").await?
    })?;
    Ok(answer)
}

/// Writes down what the run does.
#[derive(Default)]
struct Recorder(RefCell<Vec<&'static str>>);

impl Instrument for Recorder {
    fn before_run(&self) {
        self.0.borrow_mut().push("before_run");
    }
    fn after_run(&self) {
        self.0.borrow_mut().push("after_run");
    }
    fn before_task_step(&self, _task: &Task) {
        self.0.borrow_mut().push("step");
    }
}

// J98
#[test]
fn when_it_is_started_a_guest_can_be_called_into_and_no_task_has_begun() {
    let log: Rc<RefCell<Vec<&str>>> = Rc::default();
    let recorder = Rc::new(Recorder::default());
    let host = Loop::new();
    let (in_main, in_system) = (Rc::clone(&log), Rc::clone(&log));
    let builder = Builder::new().instrument(Rc::clone(&recorder) as Rc<dyn Instrument>);
    let done = host.start(builder, move || async move {
        in_main.borrow_mut().push("main");
        wait_all_tasks_blocked().await;
    });
    assert!(in_trio_run() && !in_trio_task());
    assert_eq!(statistics().tasks_living, 1);
    let (sender, called) = channel();
    current_trio_token().call_soon(move || sender.send(()).unwrap()).unwrap();
    spawn_system_task(move || async move { in_system.borrow_mut().push("system") });
    assert_eq!(*recorder.0.borrow(), ["before_run"]);
    assert!(log.borrow().is_empty() && called.try_recv().is_err());
    host.until_done(&done).unwrap();
    assert_eq!(*log.borrow(), ["main", "system"]);
    assert!(called.try_recv().is_ok());
    assert_eq!(recorder.0.borrow().last(), Some(&"after_run"));
}

// J98
#[test]
fn what_goes_wrong_when_it_is_set_up_comes_out_of_the_start() {
    fn not_even_made() -> std::future::Ready<()> {
        panic!("not even made")
    }
    let host = Loop::new();
    let text = panic_text(|| host.start(Builder::new(), not_even_made));
    assert_eq!(text, "not even made");
    assert!(!in_trio_run());
    assert_eq!(host.run(five).unwrap(), 5);
}

// J98, A3
#[test]
fn a_thread_has_one_run_and_its_guest_is_that() {
    let host = Loop::new();
    let done = host.start(Builder::new(), five);
    let texts = [
        panic_text(|| trio::run(five)),
        panic_text(|| host.start(Builder::new(), five)),
        panic_text(|| Builder::new().guest(five)),
    ];
    for text in texts {
        assert!(text.contains("from inside a run"), "{text}");
    }
    assert_eq!(host.until_done(&done).unwrap(), 5);
    let inside = host.run(|| async {
        checkpoint().await;
        panic_text(|| Builder::new().guest(five))
    });
    assert!(inside.unwrap().contains("from inside a run"));
    assert_eq!(trio::run(five), 5);
}

// J99
#[test]
fn the_host_can_wake_a_task() {
    let host = Loop::new();
    let lot = Rc::new(ParkingLot::new());
    let its_lot = Rc::clone(&lot);
    let done = host.start(Builder::new(), || park(its_lot));
    host.settle();
    assert_eq!(lot.len(), 1);
    lot.unpark_all();
    assert_eq!(host.until_done(&done).unwrap(), "woken");

    // The same with a descriptor.
    let its_lot = Rc::clone(&lot);
    let mut guest = Builder::new().guest(|| park(its_lot));
    assert_eq!(step_until_it_waits(&mut guest), None);
    assert!(!wants_a_step(&guest));
    lot.unpark_all();
    assert!(wants_a_step(&guest));
    assert_eq!(step_to_end(guest).unwrap(), "woken");
}

// J99
#[test]
fn the_host_can_use_a_waker() {
    let place = Rc::new(Cell::new(None));
    let its_place = Rc::clone(&place);
    let mut guest = Builder::new().guest(move || {
        let mut polled = false;
        std::future::poll_fn(move |cx| {
            if std::mem::replace(&mut polled, true) {
                return std::task::Poll::Ready("woken");
            }
            its_place.set(Some(cx.waker().clone()));
            std::task::Poll::Pending
        })
    });
    step_until_it_waits(&mut guest);
    assert!(!wants_a_step(&guest));
    std::task::Waker::wake(place.take().unwrap());
    assert!(wants_a_step(&guest));
    assert_eq!(step_to_end(guest).unwrap(), "woken");
}

#[trio::task]
async fn in_scope(scope: CancelScope) -> bool {
    scope.run(trio::sleep_forever).await.is_none()
}

// J99
#[test]
fn the_host_can_cancel_and_move_deadlines() {
    let actions: [fn(&CancelScope); 3] = [
        |scope| scope.cancel(),
        |scope| scope.set_deadline(Some(trio::current_time())),
        |scope| scope.set_deadline(Some(trio::current_time() + Duration::from_millis(2))),
    ];
    for action in actions {
        let host = Loop::new();
        let scope = CancelScope::new();
        let its_scope = scope.clone();
        let done = host.start(Builder::new(), || in_scope(its_scope));
        host.settle();
        action(&scope);
        assert!(host.until_done(&done).unwrap());
    }
    // A deadline that is moved to an earlier time shortens the wait that the host is in.
    let scope = CancelScope::with_timeout(LONG);
    let its_scope = scope.clone();
    let mut guest = Builder::new().guest(|| in_scope(its_scope));
    assert!(step_until_it_waits(&mut guest).unwrap() > LONG / 2);
    scope.set_deadline(Some(trio::current_time() + LONG / 4));
    assert!(wants_a_step(&guest));
    assert!(step_until_it_waits(&mut guest).unwrap() <= LONG / 4);
    scope.cancel();
    assert!(step_to_end(guest).unwrap());
}

// J99
#[test]
fn the_host_can_move_the_clock() {
    let clock = MockClock::new();
    let host = Loop::new();
    let done = host.start(Builder::new().clock(clock.clone()), || trio::sleep(LONG));
    host.settle();
    clock.jump(LONG);
    host.until_done(&done).unwrap();
}

// J99
#[test]
fn another_thread_can_call_in() {
    let host = Loop::new();
    let scope = CancelScope::new();
    let its_scope = scope.clone();
    let done = host.start(Builder::new(), || in_scope(its_scope));
    host.settle();
    let token = current_trio_token();
    let (sender, called) = channel();
    std::thread::spawn(move || token.call_soon(move || sender.send(()).unwrap()).unwrap());
    while called.try_recv().is_err() {
        host.turn();
    }
    scope.cancel();
    assert!(host.until_done(&done).unwrap());
}

/// Is woken by another thread before it has waited.
#[trio::task(allow(unstructured_spawn))]
async fn is_woken_early() {
    let mut asked = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut asked, true) {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        std::thread::spawn(move || waker.wake()).join().unwrap();
        Poll::Pending
    })
    .await;
}

// J99
#[test]
fn what_another_thread_sends_while_the_guest_is_stepped_is_not_waited_for() {
    let mut guest = Builder::new().guest(is_woken_early);
    // The step was over its mail when it came.
    assert_eq!(step_until_it_waits(&mut guest), None);
    assert!(wants_a_step(&guest));
    step_to_end(guest).unwrap();
}

#[trio::task]
async fn is_told_of_quiet(scope: CancelScope, quiet: Rc<Cell<bool>>) {
    scope
        .run(async {
            wait_all_tasks_blocked_for(LONG).await;
            quiet.set(true);
        })
        .await;
}

/// What many threads have sent, which adds up in the run.
#[derive(Default)]
struct Sum {
    total: Cell<u64>,
    changed: Rc<ParkingLot>,
}

thread_local! {
    static SUM: Sum = Sum::default();
}

// J99, E72
#[test]
fn nothing_that_many_threads_send_is_lost() {
    const THREADS: u64 = 4;
    const EACH: u64 = 2_000;
    let host = Loop::new();
    let done = host.start(Builder::new(), || async {
        while SUM.with(|sum| sum.total.get()) < THREADS * EACH {
            let changed = SUM.with(|sum| Rc::clone(&sum.changed));
            changed.park().await.unwrap();
        }
    });
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let token = current_trio_token();
            std::thread::spawn(move || {
                for _ in 0..EACH {
                    let add = || {
                        SUM.with(|sum| {
                            sum.total.set(sum.total.get() + 1);
                            sum.changed.unpark_all();
                        })
                    };
                    token.call_soon(add).unwrap();
                }
            })
        })
        .collect();
    host.until_done(&done).unwrap();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(SUM.with(|sum| sum.total.get()), THREADS * EACH);
}

// J100
#[test]
fn a_wake_up_with_nothing_to_do_is_not_quiet() {
    let host = Loop::new();
    let quiet = Rc::new(Cell::new(false));
    let told = Rc::clone(&quiet);
    let scope = CancelScope::new();
    let its_scope = scope.clone();
    let done = host.start(Builder::new(), || is_told_of_quiet(its_scope, told));
    host.settle();
    for _ in 0..10 {
        // Moved to where it does nothing.
        scope.set_deadline(Some(trio::current_time() + 2 * LONG));
        host.turn();
        host.settle();
        assert!(!quiet.get());
    }
    scope.cancel();
    host.until_done(&done).unwrap();
    assert!(!quiet.get());
}

// J100
#[test]
fn a_step_that_comes_early_is_not_quiet_either() {
    let quiet = Rc::new(Cell::new(false));
    let scope = CancelScope::new();
    let (told, its_scope) = (Rc::clone(&quiet), scope.clone());
    let mut guest = Builder::new().guest(|| is_told_of_quiet(its_scope, told));
    let mut last = step_until_it_waits(&mut guest).unwrap();
    for _ in 0..10 {
        let Next::Poll(Some(left)) = guest.step() else { panic!("it waits") };
        assert!(left <= last && left > LONG / 2, "the wait goes on, and does not begin again");
        last = left;
        assert!(!quiet.get());
    }
    scope.cancel();
    step_to_end(guest).unwrap();
    assert!(!quiet.get());
}

// J100
#[test]
fn a_guest_hears_of_quiet_after_its_cushion() {
    let cushion = Duration::from_millis(10);
    let begin = Instant::now();
    let mut guest = Builder::new().guest(move || wait_all_tasks_blocked_for(cushion));
    // A host that does not wait, but comes again and again.
    while guest.step() != Next::Over {}
    assert!(begin.elapsed() >= cushion);
    guest.finish().unwrap();
}

// J100
#[test]
fn virtual_time_jumps_in_a_guest() {
    let clock = MockClock::autojump();
    let guest = Builder::new().clock(clock.clone()).guest(|| async {
        trio::sleep(LONG).await;
        wait_all_tasks_blocked().await;
        trio::sleep(LONG).await;
    });
    step_to_end(guest).unwrap();
    assert_eq!(clock.elapsed(), 2 * LONG);
    let host = Loop::new();
    let done = host.start(Builder::new().clock(clock.clone()), || trio::sleep(LONG));
    host.until_done(&done).unwrap();
    assert_eq!(clock.elapsed(), 3 * LONG);
}

/// A guest that says when its frame goes, and that its clean-up runs.
#[trio::task]
async fn cleans_up() {
    let _guard = OnDrop(|| eprintln!("the frame is dropped"));
    trio::finally(trio::sleep_forever, async {
        eprintln!("never");
        checkpoint().await;
    })
    .await;
}

// J101
#[test]
fn a_guest_that_its_host_drops_warns_and_leaves_the_thread_as_it_was() {
    if let Some(output) = rerun("a_guest_that_its_host_drops_warns_and_leaves_the_thread_as_it_was")
    {
        let text = stderr(&output);
        assert!(output.status.success(), "{text}");
        assert_eq!(text.matches("a guest run was dropped before it was over").count(), 4, "{text}");
        assert_eq!(text.matches("the frame is dropped").count(), 4, "{text}");
        assert_eq!(text.matches("was given up by its host").count(), 1, "{text}");
        assert!(!text.contains("never"), "{text}");
        return;
    }
    // A callback is dropped.
    let host = Loop::new();
    let done = host.start(Builder::new(), cleans_up);
    host.turn();
    spawn_system_task(trio::sleep_forever);
    drop(host.calls.recv().unwrap());
    assert!(done.take().is_none() && !in_trio_run());
    // Another is dropped on the thread that waits: the guest is taken down when another run begins.
    let (sender, calls) = channel::<HostCall>();
    let (dropped, is_dropped) = channel();
    let run_soon = move |call| {
        if let Err(SendError(call)) = sender.send(call) {
            drop(call);
            dropped.send(()).unwrap();
        }
    };
    start_guest_run(cleans_up, run_soon, |_| unreachable!("it is given up"));
    while let Ok(call) = calls.try_recv() {
        call();
    }
    let token = current_trio_token();
    drop(calls);
    token.call_soon(|| ()).unwrap();
    is_dropped.recv().unwrap();
    assert!(in_trio_run());
    assert_eq!(trio::run(five), 5);
    assert!(token.call_soon(|| ()).is_err());
    // The thread of the host ends.
    let ended = std::thread::spawn(|| {
        let host = Loop::new();
        host.start(Builder::new(), cleans_up);
        host.settle();
        host
    });
    drop(ended.join().unwrap());
    // One that is stepped by hand.
    let mut guest = Builder::new().guest(cleans_up);
    step_until_it_waits(&mut guest);
    drop(guest);
    assert!(!in_trio_run());
    assert_eq!(trio::run(five), 5);
    while threads_named("trio guest wait") > 0 {
        std::thread::yield_now();
    }
}

/// How many threads of this process have the name.
fn threads_named(name: &str) -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let names = threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("comm")));
    // One may end meanwhile.
    names.filter(|found| found.as_ref().is_ok_and(|found| found.trim() == name)).count()
}

#[test]
fn a_callback_that_is_called_on_another_thread_says_so() {
    let host = Loop::new();
    let done = host.start(Builder::new(), five);
    let call = host.calls.recv().unwrap();
    let text = std::thread::spawn(move || panic_text(call)).join().unwrap();
    assert!(text.contains("on another thread than the host's"), "{text}");
    assert!(done.borrow().is_none());
    // The host cannot step it any more.
    assert_eq!(trio::run(five), 5);
}

/// A clock that breaks when it is told to.
struct Broken {
    clock: MockClock,
    broken: Rc<Cell<bool>>,
}

impl Clock for Broken {
    fn now(&self) -> trio::Instant {
        assert!(!self.broken.get(), "the clock is broken");
        self.clock.now()
    }

    fn time_until(&self, deadline: trio::Instant) -> Option<Duration> {
        self.clock.time_until(deadline)
    }
}

#[trio::task]
async fn breaks_the_clock(broken: Rc<Cell<bool>>) {
    trio::move_on_after(LONG, async {
        broken.set(true);
        trio::sleep_forever().await;
    })
    .await;
}

#[trio::task]
async fn fails() -> io::Result<()> {
    checkpoint().await;
    Err(io::Error::other("no good"))
}

fn failure<T: Debug>(result: Result<T, RunError<T>>) -> String {
    match result {
        Err(RunError::Failed(what)) => what,
        other => panic!("it should have failed: {other:?}"),
    }
}

// J102
#[test]
fn what_crashes_the_run_itself_comes_through_done() {
    let broken = Rc::new(Cell::new(false));
    let breaks = Rc::clone(&broken);
    let clock = || Broken { clock: MockClock::new(), broken: Rc::clone(&broken) };
    let main = move || breaks_the_clock(breaks);
    let host = Loop::new();
    let done = host.start(Builder::new().clock(clock()), main.clone());
    assert_eq!(failure(host.until_done(&done)), "its loop panicked: the clock is broken");
    assert!(!in_trio_run());
    broken.set(false);
    let guest = Builder::new().clock(clock()).guest(main);
    assert_eq!(failure(step_to_end(guest)), "its loop panicked: the clock is broken");
    assert!(!in_trio_run());

    let done = host.start(Builder::new(), || async {
        spawn_system_task(fails);
        trio::sleep_forever().await;
    });
    let text = failure(host.until_done(&done));
    assert_eq!(text, "system task `fails` failed: no good");
    let done = host.start(Builder::new(), || async {
        current_trio_token().call_soon(|| panic!("no better")).unwrap();
        trio::sleep_forever().await;
    });
    let text = failure(host.until_done(&done));
    assert_eq!(text, "a function given to `call_soon` panicked: no better");
}

// J102
#[test]
fn a_wait_that_fails_comes_through_done() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    if let Some(output) = rerun("a_wait_that_fails_comes_through_done") {
        assert!(output.status.success(), "{}", stderr(&output));
        return;
    }
    let host = Loop::new();
    let done = host.start(Builder::new(), trio::sleep_forever);
    // Not even one descriptor may be waited for from here on.
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), maximum }).unwrap();
    let text = failure(host.until_done(&done));
    assert!(text.starts_with("the system cannot be waited for: Invalid argument"), "{text}");
}

#[test]
fn a_guest_that_is_not_over_has_no_result() {
    let guest = Builder::new().guest(five);
    let text = panic_text(|| guest.finish());
    assert!(text.contains("step it until it says `Next::Over`"), "{text}");
    assert!(!in_trio_run());
}

#[test]
fn after_its_end_a_guest_is_not_stepped_any_more() {
    let mut guest = Builder::new().guest(five);
    while guest.step() != Next::Over {}
    assert!(!in_trio_run());
    assert_eq!(guest.step(), Next::Over);
    assert_eq!(guest.finish().unwrap(), 5);
}

#[trio::task]
async fn spins(scope: CancelScope) {
    scope
        .run(async {
            loop {
                checkpoint().await;
            }
        })
        .await;
}

#[test]
fn a_guest_that_is_always_runnable_leaves_its_host_its_time() {
    let host = Loop::new();
    let scope = CancelScope::new();
    let its_scope = scope.clone();
    let done = host.start(Builder::new(), || spins(its_scope));
    for _ in 0..100 {
        host.turn();
    }
    assert!(done.borrow().is_none());
    scope.cancel();
    host.until_done(&done).unwrap();
}

#[test]
fn a_host_may_be_asked_in_another_way_on_its_own_thread() {
    let calls: Rc<RefCell<VecDeque<HostCall>>> = Rc::default();
    let own = Rc::clone(&calls);
    let (sender, from_elsewhere) = channel::<HostCall>();
    let host = Host::new(move |call| sender.send(call).unwrap())
        .run_soon_on_own_thread(move |call| own.borrow_mut().push_back(call));
    let done = Done::default();
    let told = Rc::clone(&done);
    let main = || async {
        checkpoint().await;
        wait_all_tasks_blocked_for(Duration::from_millis(1)).await;
        7
    };
    Builder::new().start_guest_run(main, host, move |result| *told.borrow_mut() = Some(result));
    let (mut own, mut elsewhere) = (0, 0);
    while done.borrow().is_none() {
        let next = calls.borrow_mut().pop_front();
        if let Some(call) = next {
            own += 1;
            call();
        } else {
            elsewhere += 1;
            let call = from_elsewhere.recv_timeout(LONG).unwrap();
            call();
        }
    }
    assert_eq!(done.take().unwrap().unwrap(), 7);
    assert!(own >= 1 && elsewhere >= 1, "{own} {elsewhere}");
}

#[test]
fn done_may_start_the_next_guest() {
    let host = Loop::new();
    let last = Done::default();
    let told = Rc::clone(&last);
    let next = host.host();
    Builder::new().start_guest_run(five, host.host(), move |first| {
        let first = first.unwrap();
        Builder::new().start_guest_run(
            move || async move { first + 1 },
            next,
            move |second| *told.borrow_mut() = Some(second),
        );
    });
    assert_eq!(host.until_done(&last).unwrap(), 6);
}
