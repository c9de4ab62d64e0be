//! Runs programs and looks at what they say, line by line.

// Each file of tests uses a part of it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to do what it is expected to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that is running. Dropping it kills it.
pub struct Program {
    child: Child,
    lines: Option<Receiver<String>>,
    seen: Vec<String>,
}

impl Program {
    /// Starts a program, with SIGINT as a shell gives it, also where the tests run in the background.
    pub fn start(path: &str, arguments: &[&str]) -> Program {
        let mut command = Command::new("env");
        command.arg("--default-signal=INT").arg(path).args(arguments);
        Program::run(command)
    }

    /// Starts a Python program.
    pub fn python(source: &str, arguments: &[&str]) -> Program {
        let mut command = Command::new("python3");
        command.arg("-u").arg("-c").arg(source).args(arguments);
        Program::run(command)
    }

    fn run(mut command: Command) -> Program {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // Nobody listens any more: close the pipe.
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Program { child, lines: Some(lines), seen: Vec::new() }
    }

    /// Waits for a line that holds `text`, and gives it.
    pub fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let lines = self.lines.as_ref().expect("the output is still read");
        loop {
            match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {text:?} in {:#?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the program has ended without {text:?} in {:#?}", self.seen)
                }
            }
        }
    }

    /// What comes after `text` in the first line that holds it.
    pub fn wait_for_rest(&mut self, text: &str) -> String {
        let line = self.wait_for(text);
        line.split_once(text).unwrap().1.to_owned()
    }

    /// Stops reading what the program says.
    pub fn stop_listening(&mut self) {
        self.lines = None;
    }

    /// The program's standard input.
    pub fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().expect("it is not closed")
    }

    /// Ends the program's standard input.
    pub fn close_stdin(&mut self) {
        self.child.stdin = None;
    }

    /// Sends the program a SIGINT.
    pub fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.unwrap().success());
    }

    /// Waits for the end of the program; all that it has said goes to `seen`.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.seen.extend(self.lines.iter().flatten());
                return status;
            }
            assert!(Instant::now() < deadline, "the program does not end: {:#?}", self.seen);
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What the program has said so far, as far as it was waited for.
    pub fn seen(&self) -> &[String] {
        &self.seen
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a program to its end, with `input` as its standard input.
pub fn output(path: &str, arguments: &[&str], input: impl Into<Stdio>) -> Output {
    let child = Command::new(path)
        .args(arguments)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{path} cannot be started: {error}"));
    child.wait_with_output().unwrap()
}

/// Everything that comes from a reader, as text.
pub fn text_of(mut from: impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}
