//! The standard streams. Each test runs itself once more, in a process that has pipes for them.

use std::env;
use std::future::{Future, poll_fn};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::task::Poll;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tests::panics::panic_text;
use trio::stream::{
    AsyncResource, BufferedStream, ReceiveStream, SendStream, StandardInput, stderr, stdin, stdout,
};
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{BrokenResourceError, BusyResourceError, ClosedResourceError, is_error, nursery};

const MARK: &str = "TRIO_TESTS_STANDARD_STREAMS";

/// The test of this name in a process of its own, or `None` there.
fn child(test: &str) -> Option<Process> {
    if env::var(MARK).is_ok_and(|name| name == test) {
        return None;
    }
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(MARK, test)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Some(Process(child))
}

struct Process(Child);

impl Process {
    /// Reads standard error up to a text that the child says.
    fn wait_for(&mut self, text: &str) {
        let mut seen = Vec::new();
        let stderr = self.0.stderr.as_mut().unwrap();
        while !seen.ends_with(text.as_bytes()) {
            let mut byte = [0];
            let count = stderr.read(&mut byte).unwrap();
            assert!(count > 0, "no {text:?} in {}", String::from_utf8_lossy(&seen));
            seen.push(byte[0]);
        }
    }

    fn write(&mut self, text: &[u8]) {
        self.0.stdin.as_mut().unwrap().write_all(text).unwrap();
    }

    /// The child passes its test; what it has printed.
    #[track_caller]
    fn succeeds(self) -> String {
        let output = self.0.wait_with_output().unwrap();
        let (out, err) = (String::from_utf8(output.stdout), String::from_utf8(output.stderr));
        let (out, err) = (out.unwrap(), err.unwrap());
        assert!(output.status.success(), "{out}\n{err}");
        out
    }
}

/// Says to the parent how far the child is.
fn say(text: &str) {
    eprint!("{text}");
}

async fn receive(stream: &StandardInput) -> String {
    let mut buffer = [0; 64];
    let count = assert_future_checkpoints(stream.receive_some(&mut buffer)).await.unwrap();
    String::from_utf8(buffer[..count].to_vec()).unwrap()
}

#[test]
fn lines_come_in_and_go_out_until_the_end() {
    if let Some(mut child) = child("lines_come_in_and_go_out_until_the_end") {
        child.write(b"one\ntwo\nthr");
        child.write(b"ee");
        assert!(child.succeeds().contains("\n<one>\n<two>\n<three>\n"));
        return;
    }
    trio::run(async || {
        let (lines, out) = (BufferedStream::new(stdin()), stdout());
        assert_future_checkpoints(out.send_all(b"\n")).await.unwrap();
        while let Some(line) = lines.receive_line().await.unwrap() {
            out.send_all(format!("<{line}>\n").as_bytes()).await.unwrap();
        }
        // The end stays the end.
        assert_eq!(lines.receive_line().await.unwrap(), None);
    });
}

#[test]
fn what_a_cancelled_receive_has_got_is_there_for_the_next_also_in_another_run() {
    if let Some(mut child) =
        child("what_a_cancelled_receive_has_got_is_there_for_the_next_also_in_another_run")
    {
        child.wait_for("cancelled\n");
        child.write(b"hello");
        child.succeeds();
        return;
    }
    #[trio::task]
    async fn cancelled() {
        let input = stdin();
        nursery!(|n| {
            let task = n.spawn(receive, &input);
            wait_all_tasks_blocked().await;
            task.cancel();
            task.wait().await;
            assert_eq!(task.take(), None);
        })
        .unwrap();
    }
    #[trio::task]
    async fn next() {
        say("cancelled\n");
        let mut buffer = [0; 2];
        let input = stdin();
        assert_eq!(input.receive_some(&mut buffer).await.unwrap(), 2);
        assert_eq!(&buffer, b"he");
        // Some of it is still there.
        assert_eq!(receive(&input).await, "llo");
    }
    // Several cancelled ones have one thread.
    trio::run(cancelled);
    trio::run(cancelled);
    trio::run(next);
}

#[test]
fn a_receive_that_was_cancelled_hides_no_deadlock() {
    if let Some(child) = child("a_receive_that_was_cancelled_hides_no_deadlock") {
        child.succeeds();
        return;
    }
    #[trio::task]
    async fn main() {
        let input = stdin();
        nursery!(|n| {
            let task = n.spawn(receive, &input);
            wait_all_tasks_blocked().await;
            task.cancel();
        })
        .unwrap();
        trio::sync::Event::new().wait().await;
    }
    let text = panic_text(|| trio::run(main));
    assert!(text.contains("deadlock"), "{text}");
}

#[test]
fn what_is_there_is_not_lost_with_a_receive_that_is_dropped() {
    if let Some(mut child) = child("what_is_there_is_not_lost_with_a_receive_that_is_dropped") {
        child.write(b"hello");
        child.succeeds();
        return;
    }
    #[trio::task]
    async fn main() {
        let input = stdin();
        assert_eq!(input.receive_some(&mut [0]).await.unwrap(), 1);
        nursery!(|n| {
            // Somebody else can run, so that it has to wait for its turn.
            n.spawn(trio::lowlevel::checkpoint);
            let mut buffer = [0; 8];
            poll_fn(|cx| {
                assert!(pin!(input.receive_some(&mut buffer)).poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        })
        .unwrap();
        assert_eq!(receive(&input).await, "ello");
    }
    trio::run(main);
}

// Trio's issue #174
#[test]
fn the_descriptors_stay_blocking() {
    if let Some(mut child) = child("the_descriptors_stay_blocking") {
        child.write(b"x");
        child.succeeds();
        return;
    }
    trio::run(async || {
        assert_eq!(receive(&stdin()).await, "x");
        stdout().send_all(b"x").await.unwrap();
        stderr().send_all(b"x").await.unwrap();
    });
    let (input, output, errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    for fd in [input.as_fd(), output.as_fd(), errors.as_fd()] {
        assert!(!fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK));
    }
}

#[test]
fn descriptors_that_somebody_else_has_made_non_blocking_work() {
    if let Some(mut child) = child("descriptors_that_somebody_else_has_made_non_blocking_work") {
        child.wait_for("waits\n");
        child.write(b"hello");
        let mut out = child.0.stdout.take().unwrap();
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        assert_eq!(text.matches('#').count(), 1 << 20);
        child.succeeds();
        return;
    }
    #[trio::task]
    async fn main() {
        let (input, output) = (std::io::stdin(), std::io::stdout());
        for fd in [input.as_fd(), output.as_fd()] {
            fcntl_setfl(fd, fcntl_getfl(fd).unwrap() | OFlags::NONBLOCK).unwrap();
        }
        nursery!(|n| {
            n.spawn(async {
                assert_eq!(receive(&stdin()).await, "hello");
                stdout().send_all(&vec![b'#'; 1 << 20]).await.unwrap();
            });
            wait_all_tasks_blocked().await;
            say("waits\n");
        })
        .unwrap();
        // For the harness, which prints there.
        fcntl_setfl(&output, fcntl_getfl(&output).unwrap() - OFlags::NONBLOCK).unwrap();
    }
    trio::run(main);
}

#[test]
fn a_reader_who_does_not_read_holds_up_nobody_else_and_what_was_cancelled_is_written() {
    if let Some(mut child) =
        child("a_reader_who_does_not_read_holds_up_nobody_else_and_what_was_cancelled_is_written")
    {
        child.wait_for("cancelled\n");
        let out = child.succeeds();
        assert_eq!(out.matches('#').count(), 1 << 20);
        assert!(out.contains("##after\n"), "what came next came before the end of it");
        return;
    }
    #[trio::task]
    async fn main() {
        let out = stdout();
        let much = vec![b'#'; 1 << 20];
        nursery!(|n| {
            let sending = n.spawn(async { out.send_all(&much).await });
            wait_all_tasks_blocked().await;
            sending.cancel();
        })
        .unwrap();
        say("cancelled\n");
        assert_future_checkpoints(out.wait_send_all_might_not_block()).await.unwrap();
        assert_future_checkpoints(out.send_all(b"after\n")).await.unwrap();
        assert_future_checkpoints(out.send_all(b"")).await.unwrap();
    }
    trio::run(main);
}

#[test]
fn two_at_once_are_an_error_and_so_is_one_that_is_closed() {
    if let Some(mut child) = child("two_at_once_are_an_error_and_so_is_one_that_is_closed") {
        child.wait_for("done\n");
        child.write(b"hello");
        child.succeeds();
        return;
    }
    #[trio::task]
    async fn main() {
        let input = stdin();
        let mut buffer = [0; 8];
        nursery!(|n| {
            n.spawn(async {
                let error = input.receive_some(&mut [0; 8]).await.unwrap_err();
                assert!(is_error::<ClosedResourceError>(&error));
            });
            wait_all_tasks_blocked().await;
            let again = stdin();
            let error =
                assert_future_checkpoints(again.receive_some(&mut buffer)).await.unwrap_err();
            assert!(is_error::<BusyResourceError>(&error));
            let nothing = assert_future_checkpoints(again.receive_some(&mut [])).await.unwrap_err();
            assert_eq!(nothing.kind(), std::io::ErrorKind::InvalidInput);
            assert_future_checkpoints(input.close()).await.unwrap();
        })
        .unwrap();
        let error = assert_future_checkpoints(input.receive_some(&mut buffer)).await.unwrap_err();
        assert!(is_error::<ClosedResourceError>(&error));
        let out = stdout();
        out.close_forcefully();
        let error = assert_future_checkpoints(out.send_all(b"")).await.unwrap_err();
        assert!(is_error::<ClosedResourceError>(&error));
        let waiting = out.wait_send_all_might_not_block();
        let error = assert_future_checkpoints(waiting).await.unwrap_err();
        assert!(is_error::<ClosedResourceError>(&error));
        say("done\n");
        // The process still has its own.
        assert_eq!(receive(&stdin()).await, "hello");
        stdout().send_all(b"hello").await.unwrap();
    }
    trio::run(main);
}

#[test]
fn an_output_that_nobody_reads_any_more_is_broken() {
    if let Some(child) = child("an_output_that_nobody_reads_any_more_is_broken") {
        child.succeeds();
        return;
    }
    let (from, to) = std::io::pipe().unwrap();
    drop(from);
    let kept = rustix::io::dup(rustix::stdio::stdout()).unwrap();
    rustix::stdio::dup2_stdout(OwnedFd::from(to)).unwrap();
    trio::run(async || {
        let error = assert_future_checkpoints(stdout().send_all(b"hello")).await.unwrap_err();
        assert!(is_error::<BrokenResourceError>(&error));
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    });
    rustix::stdio::dup2_stdout(kept).unwrap();
}
