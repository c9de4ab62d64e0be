//! Waiting for descriptors: `wait_readable`, `wait_writable`, `notify_closing`, `IoSource`.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::io::{Errno, dup2, fcntl_dupfd_cloexec};
use trio::lowlevel::{
    IoSource, checkpoint, notify_closing, statistics, wait_readable, wait_writable,
};
use trio::testing::{
    assert_future_checkpoints, wait_all_tasks_blocked, wait_all_tasks_blocked_for,
};
use trio::{BusyResourceError, CancelScope, ClosedResourceError, is_error, nursery};

fn pair() -> (UnixStream, UnixStream) {
    let (a, b) = UnixStream::pair().unwrap();
    a.set_nonblocking(true).unwrap();
    b.set_nonblocking(true).unwrap();
    (a, b)
}

/// Until nothing more can be written.
fn fill(mut stream: &UnixStream) {
    while stream.write(&[0; 4096]).is_ok() {}
}

/// Until nothing more can be read; how much there was.
fn drain(mut stream: &UnixStream) -> usize {
    let mut buffer = [0; 4096];
    let mut total = 0;
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        total += count;
    }
    total
}

fn errno(result: io::Result<()>) -> Option<Errno> {
    Errno::from_io_error(&result.unwrap_err())
}

// G80
#[trio::test]
async fn a_fresh_pair_is_writable_at_once_and_readable_only_after_data() {
    let (a, b) = pair();
    assert_future_checkpoints(wait_writable(&a)).await.unwrap();
    let readable = Cell::new(false);
    nursery!(|n| {
        n.spawn(async {
            assert_future_checkpoints(wait_readable(&a)).await.unwrap();
            readable.set(true);
        });
        wait_all_tasks_blocked().await;
        assert!(!readable.get());
        (&b).write_all(b"x").unwrap();
    })
    .unwrap();
    assert!(readable.get());
    // Nothing was read, so it stays readable, time and again.
    assert_future_checkpoints(wait_readable(&a)).await.unwrap();
    assert_future_checkpoints(wait_readable(&a)).await.unwrap();
    assert_eq!(drain(&a), 1);
}

// G80
#[trio::test]
async fn a_raw_descriptor_is_as_good_as_the_object() {
    let (a, b) = pair();
    let fd: RawFd = a.as_raw_fd();
    assert_future_checkpoints(wait_writable(&fd)).await.unwrap();
    nursery!(|n| {
        n.spawn(async { assert_future_checkpoints(wait_readable(&fd)).await });
        wait_all_tasks_blocked().await;
        (&b).write_all(b"x").unwrap();
    })
    .unwrap();
}

// G80
#[trio::test]
async fn waiting_for_a_descriptor_can_be_cancelled() {
    let (a, b) = pair();
    fill(&a);
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            assert!(scope.run(async { wait_readable(&a).await }).await.is_none());
        });
        n.spawn(async { wait_writable(&a).await });
        wait_all_tasks_blocked().await;
        let now = statistics();
        assert_eq!((now.tasks_waiting_read, now.tasks_waiting_write), (1, 1));
        scope.cancel();
        wait_all_tasks_blocked().await;
        let now = statistics();
        assert_eq!((now.tasks_waiting_read, now.tasks_waiting_write), (0, 1));
        // The other waits on, and is found.
        drain(&b);
        wait_all_tasks_blocked().await;
        assert_eq!(statistics().tasks_waiting_write, 0);
    })
    .unwrap();
}

// G80
#[trio::test]
async fn in_a_cancelled_scope_even_a_ready_descriptor_is_not_waited_for() {
    let (a, b) = pair();
    (&b).write_all(b"x").unwrap();
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.run(async { wait_readable(&a).await }).await.is_none());
    // Not even looked at: the descriptor does not exist.
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.run(async { wait_writable(&-1).await }).await.is_none());
}

#[trio::test]
async fn what_happened_before_the_cancellation_was_delivered_is_not_lost() {
    let (a, b) = pair();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            let mut waited = false;
            scope
                .run(async {
                    wait_readable(&a).await.unwrap();
                    waited = true;
                })
                .await;
            // Either it saw the readiness or the cancellation; the data is there in any case.
            assert_eq!(waited, !scope.cancelled_caught());
            assert_eq!(drain(&a), 1);
        });
        wait_all_tasks_blocked().await;
        (&b).write_all(b"x").unwrap();
        scope.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn the_end_of_the_other_side_wakes_those_who_wait_to_read() {
    let (a, b) = pair();
    nursery!(|n| {
        n.spawn(async { wait_readable(&a).await });
        wait_all_tasks_blocked().await;
        drop(b);
    })
    .unwrap();
    assert_eq!((&a).read(&mut [0]).unwrap(), 0);
}

#[trio::test]
async fn the_end_of_the_other_side_wakes_those_who_wait_to_write() {
    let (a, b) = pair();
    fill(&a);
    nursery!(|n| {
        n.spawn(async { wait_writable(&a).await });
        wait_all_tasks_blocked().await;
        drop(b);
    })
    .unwrap();
}

// G81
#[trio::test]
async fn a_second_waiter_in_the_same_direction_gets_a_busy_resource_error() {
    let (a, _b) = pair();
    fill(&a);
    nursery!(|n| {
        n.spawn(async { wait_readable(&a).await });
        n.spawn(async { wait_writable(&a).await });
        wait_all_tasks_blocked().await;
        assert!(is_error::<BusyResourceError>(&wait_readable(&a).await.unwrap_err()));
        assert!(is_error::<BusyResourceError>(&wait_writable(&a).await.unwrap_err()));
        let now = statistics();
        assert_eq!((now.tasks_waiting_read, now.tasks_waiting_write), (1, 1));
        n.cancel();
    })
    .unwrap();
}

// G81
#[trio::test]
async fn both_directions_can_be_waited_for_at_once() {
    let (a, b) = pair();
    fill(&a);
    let record = std::cell::RefCell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async {
            wait_readable(&a).await.unwrap();
            record.borrow_mut().push("readable");
        });
        n.spawn(async {
            wait_writable(&a).await.unwrap();
            record.borrow_mut().push("writable");
        });
        wait_all_tasks_blocked().await;
        assert!(record.borrow().is_empty());
        (&b).write_all(b"x").unwrap();
        wait_all_tasks_blocked().await;
        assert_eq!(*record.borrow(), ["readable"]);
        drain(&b);
    })
    .unwrap();
    assert_eq!(*record.borrow(), ["readable", "writable"]);
}

// G82
#[trio::test]
async fn notify_closing_wakes_both_waiters_with_a_closed_resource_error() {
    let (a, _b) = pair();
    fill(&a);
    nursery!(|n| {
        n.spawn(async {
            assert!(is_error::<ClosedResourceError>(&wait_readable(&a).await.unwrap_err()));
        });
        n.spawn(async {
            assert!(is_error::<ClosedResourceError>(&wait_writable(&a).await.unwrap_err()));
        });
        wait_all_tasks_blocked().await;
        notify_closing(&a);
    })
    .unwrap();
    // It is a message, not a state: what the number names next can be waited for.
    drain(&_b);
    wait_writable(&a).await.unwrap();
}

/// A small generator for test data: the same bytes for the same seed.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

#[trio::task]
async fn send(mut stream: &UnixStream, data: &[u8], seed: u64) -> io::Result<()> {
    let mut noise = Noise(seed);
    let mut left = data;
    while !left.is_empty() {
        let chunk = &left[..left.len().min(1 + noise.next() as usize % 100_000)];
        match stream.write(chunk) {
            Ok(count) => left = &left[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_writable(stream).await?,
            Err(error) => return Err(error),
        }
    }
    stream.shutdown(std::net::Shutdown::Write)
}

#[trio::task(allow(loop_maybe_no_checkpoint))]
async fn receive(mut stream: &UnixStream, seed: u64) -> io::Result<Vec<u8>> {
    let mut noise = Noise(seed);
    let mut data = Vec::new();
    let mut buffer = vec![0; 100_000];
    loop {
        let size = 1 + noise.next() as usize % buffer.len();
        match stream.read(&mut buffer[..size]) {
            Ok(0) => return Ok(data),
            Ok(count) => data.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_readable(stream).await?,
            Err(error) => return Err(error),
        }
    }
}

// G83
#[trio::test]
async fn a_megabyte_in_random_chunks_arrives_both_ways() {
    let (a, b) = pair();
    let one_way = Noise(1).bytes(1 << 20);
    let other_way = Noise(2).bytes(1 << 20);
    nursery!(|n| {
        n.spawn(send, &a, &one_way, 3);
        n.spawn(send, &b, &other_way, 4);
        let at_b = n.spawn(receive, &b, 5);
        let at_a = n.spawn(receive, &a, 6);
        at_a.wait().await;
        at_b.wait().await;
        assert!(at_b.take().unwrap() == one_way);
        assert!(at_a.take().unwrap() == other_way);
    })
    .unwrap();
}

/// A number that names no descriptor: high, so that no other test gets it in the meantime.
fn unused_fd() -> RawFd {
    let (a, _b) = pair();
    fcntl_dupfd_cloexec(a, 900).unwrap().as_raw_fd()
}

// G84
#[trio::test]
async fn waiting_for_what_is_no_descriptor_is_the_system_s_error() {
    for fd in [-1, unused_fd()] {
        assert_eq!(errno(wait_readable(&fd).await), Some(Errno::BADF));
        assert_eq!(errno(wait_writable(&fd).await), Some(Errno::BADF));
        // The failed wait has left nothing behind.
        assert_eq!(errno(wait_readable(&fd).await), Some(Errno::BADF));
    }
    assert_eq!(statistics().tasks_waiting_read, 0);
}

// G84
#[trio::test(allow(blocking_fs))]
async fn a_file_cannot_be_waited_for() {
    let file = File::open("Cargo.toml").unwrap();
    assert_eq!(errno(wait_readable(&file).await), Some(Errno::PERM));
}

// G84
#[trio::test]
async fn notify_closing_of_what_nobody_waits_for_is_harmless() {
    notify_closing(&-1);
    notify_closing(&unused_fd());
    let (a, _b) = pair();
    notify_closing(&a);
    wait_writable(&a).await.unwrap();
}

/// Everything else still works, and the loop waits without spinning.
#[trio::task]
async fn check_the_loop() {
    let (a, b) = pair();
    nursery!(|n| {
        n.spawn(async { wait_readable(&a).await });
        // An event without end would never let this much time pass undisturbed.
        wait_all_tasks_blocked_for(Duration::from_millis(5)).await;
        (&b).write_all(b"x").unwrap();
    })
    .unwrap();
}

/// Gives a descriptor a high number, so that no other test of the process gets it once it is closed.
fn move_up(stream: UnixStream) -> OwnedFd {
    fcntl_dupfd_cloexec(stream, 500).unwrap()
}

// G85
#[trio::test]
async fn a_close_without_notice_leaves_a_waiter_that_can_be_cancelled() {
    let (a, b) = pair();
    let a = move_up(a);
    let fd = a.as_raw_fd();
    nursery!(|n| {
        n.spawn(async {
            // It may hang, return or fail.
            let _ = wait_readable(&fd).await;
        });
        wait_all_tasks_blocked().await;
        drop(a);
        let _ = (&b).write_all(b"x");
        check_the_loop().await;
        n.cancel();
    })
    .unwrap();
    check_the_loop().await;
}

// G85
#[trio::test]
async fn a_close_without_notice_is_noticed_by_the_next_who_waits_and_told_to_the_first() {
    let (a, _b) = pair();
    let a = move_up(a);
    let fd = a.as_raw_fd();
    nursery!(|n| {
        let first = n.spawn(async { errno(wait_readable(&fd).await) });
        wait_all_tasks_blocked().await;
        drop(a);
        assert_eq!(errno(wait_writable(&fd).await), Some(Errno::BADF));
        wait_all_tasks_blocked().await;
        assert_eq!(first.take(), Some(Some(Errno::BADF)));
    })
    .unwrap();
    check_the_loop().await;
}

// G85
#[trio::test]
async fn a_close_without_notice_of_a_duplicated_descriptor_does_not_wedge_the_loop() {
    for two_waiters in [false, true] {
        let (a, b) = pair();
        fill(&a);
        let a = move_up(a);
        let kept = a.try_clone().unwrap();
        let fd = a.as_raw_fd();
        nursery!(|n| {
            n.spawn(async {
                let _ = wait_readable(&fd).await;
            });
            if two_waiters {
                n.spawn(async {
                    let _ = wait_writable(&fd).await;
                });
            }
            wait_all_tasks_blocked().await;
            drop(a);
            check_the_loop().await;
            // The duplicate keeps the registration alive, out of reach.
            (&b).write_all(b"x").unwrap();
            drain(&b);
            check_the_loop().await;
            n.cancel();
        })
        .unwrap();
        check_the_loop().await;
        // What it has to say now may reach whoever has its token: that must bear it.
        (&b).write_all(b"x").unwrap();
        check_the_loop().await;
        drop(b);
        check_the_loop().await;
        drop(kept);
        check_the_loop().await;
    }
}

// G85
#[trio::test]
async fn a_number_that_names_another_descriptor_now_can_be_waited_for() {
    let (a, _b) = pair();
    let (c, d) = pair();
    let mut a = move_up(a);
    let fd = a.as_raw_fd();
    nursery!(|n| {
        n.spawn(async {
            let _ = wait_readable(&fd).await;
        });
        wait_all_tasks_blocked().await;
        // Closes it and gives the number to `c`, in one.
        dup2(&c, &mut a).unwrap();
        wait_writable(&fd).await.unwrap();
        n.cancel();
    })
    .unwrap();
    nursery!(|n| {
        n.spawn(async { wait_readable(&fd).await });
        wait_all_tasks_blocked().await;
        (&d).write_all(b"x").unwrap();
    })
    .unwrap();
}

// G85, R165
#[trio::test]
async fn one_that_was_closed_without_notice_does_not_disturb_who_has_its_number_now() {
    let ((a, _b), (c, d)) = (pair(), pair());
    let mut a = move_up(a);
    let lost = IoSource::new(a.as_fd()).unwrap();
    // Closes it and gives the number to `c`, in one.
    dup2(&c, &mut a).unwrap();
    let new = IoSource::new(a.as_fd()).unwrap();
    drop(lost);
    new.would_block_reading();
    nursery!(|n| {
        let waiting = n.spawn(async { new.readable().await });
        wait_all_tasks_blocked().await;
        (&d).write_all(b"x").unwrap();
        wait_all_tasks_blocked().await;
        assert!(waiting.is_finished());
    })
    .unwrap();
}

// G86
#[trio::test]
async fn statistics_count_those_who_wait_to_read_and_to_write() {
    let pairs: Vec<_> = (0..3).map(|_| pair()).collect();
    for (a, _) in &pairs {
        fill(a);
    }
    let count = || {
        let now = statistics();
        (now.tasks_waiting_read, now.tasks_waiting_write)
    };
    assert_eq!(count(), (0, 0));
    nursery!(|n| {
        for (a, _) in &pairs {
            n.spawn(async { wait_readable(a).await });
        }
        for (a, _) in &pairs[1..] {
            n.spawn(async { wait_writable(a).await });
        }
        wait_all_tasks_blocked().await;
        assert_eq!(count(), (3, 2));
        (&pairs[0].1).write_all(b"x").unwrap();
        wait_all_tasks_blocked().await;
        assert_eq!(count(), (2, 2));
        n.cancel();
    })
    .unwrap();
    assert_eq!(count(), (0, 0));
}

#[trio::test]
async fn many_descriptors_are_told_apart() {
    let pairs: Vec<_> = (0..100).map(|_| pair()).collect();
    let woken = std::cell::RefCell::new(Vec::new());
    nursery!(|n| {
        for (number, (a, _)) in pairs.iter().enumerate() {
            let woken = &woken;
            n.spawn(async move {
                wait_readable(a).await.unwrap();
                woken.borrow_mut().push(number);
            });
        }
        for number in [7, 99, 0] {
            wait_all_tasks_blocked().await;
            (&pairs[number].1).write_all(b"x").unwrap();
            wait_all_tasks_blocked().await;
            assert_eq!(woken.borrow().last(), Some(&number));
        }
        assert_eq!(woken.borrow().len(), 3);
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn a_source_remembers_readiness_until_it_is_used_up() {
    let (a, b) = pair();
    let source = IoSource::new(a.as_fd()).unwrap();
    // Worth a try as long as nobody has said otherwise.
    assert!(source.is_readable() && source.is_writable());
    assert_future_checkpoints(source.readable()).await.unwrap();
    source.would_block_reading();
    assert!(!source.is_readable() && source.is_writable());
    nursery!(|n| {
        n.spawn(async { assert_future_checkpoints(source.readable()).await });
        wait_all_tasks_blocked().await;
        (&b).write_all(b"x").unwrap();
    })
    .unwrap();
    assert!(source.is_readable());
    drain(&a);
    source.drained();
    assert!(!source.is_readable());
    // The end stays.
    drop(b);
    source.readable().await.unwrap();
    source.drained();
    assert!(source.is_readable());
}

#[trio::test]
async fn a_source_has_one_waiter_per_direction() {
    let (a, _b) = pair();
    let source = IoSource::new(a.as_fd()).unwrap();
    source.would_block_reading();
    source.would_block_writing();
    nursery!(|n| {
        n.spawn(async { source.readable().await });
        wait_all_tasks_blocked().await;
        assert!(is_error::<BusyResourceError>(&source.readable().await.unwrap_err()));
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn a_closing_source_wakes_its_waiters_with_a_closed_resource_error() {
    let (a, _b) = pair();
    fill(&a);
    let source = IoSource::new(a.as_fd()).unwrap();
    source.would_block_reading();
    source.would_block_writing();
    nursery!(|n| {
        n.spawn(async {
            assert!(is_error::<ClosedResourceError>(&source.readable().await.unwrap_err()));
        });
        n.spawn(async {
            assert!(is_error::<ClosedResourceError>(&source.writable().await.unwrap_err()));
        });
        wait_all_tasks_blocked().await;
        source.notify_closing();
        source.notify_closing();
        assert!(source.is_closed());
    })
    .unwrap();
    assert!(is_error::<ClosedResourceError>(&source.readable().await.unwrap_err()));
}

#[trio::test]
async fn a_descriptor_cannot_be_registered_twice() {
    let (a, _b) = pair();
    let source = IoSource::new(a.as_fd()).unwrap();
    assert_eq!(IoSource::new(a.as_fd()).unwrap_err().kind(), ErrorKind::AlreadyExists);
    drop(source);
    drop(IoSource::new(a.as_fd()).unwrap());
    checkpoint().await;
}

#[test]
fn a_source_may_outlive_its_run_and_counts_as_closed_then() {
    let (a, _b) = pair();
    let source = Cell::new(None);
    trio::run(|| async { source.set(Some(IoSource::new(a.as_fd()).unwrap())) });
    let source = source.take().unwrap();
    assert!(source.is_closed());
    source.notify_closing();
    let error = trio::run(|| source.readable()).unwrap_err();
    assert!(is_error::<ClosedResourceError>(&error));
}

#[test]
#[should_panic(expected = "inside a trio run")]
fn a_source_cannot_be_made_outside_a_run() {
    let (a, _b) = pair();
    let _ = IoSource::new(a.as_fd());
}

#[test]
#[should_panic(expected = "inside a trio run")]
fn notify_closing_outside_a_run_panics() {
    notify_closing(&0);
}
