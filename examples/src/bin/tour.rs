//! A tour of the ideas, with real traffic over the loopback interface.
//!
//! ```text
//! $ cargo run --bin tour
//! ```
//!
//! Each stop is a function below, to be read beside what it prints.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use examples::say;
use trio::lowlevel::ParkingLot;
use trio::net::{TcpListener, TcpStream};
use trio::nursery;
use trio::testing::wait_all_tasks_blocked_for;

/// As long as this nothing must have happened for us to believe that the traffic has settled.
const QUIET: Duration = Duration::from_millis(20);

#[trio::main]
async fn main() -> trio::Result<()> {
    let server = Server::listen()?;
    say(format_args!("A server on {} turns words into capitals.", server.address));
    say("Asked to `wait`, it never answers.");

    nursery!(|n| {
        n.spawn(Server::serve, &server);
        children_borrow(&server).await?;
        a_timeout(&server).await?;
        a_failing_child(&server).await;
        clean_up(&server).await?;
        the_task_tree(&server).await?;
        // The server would go on for ever.
        n.cancel();
    })?;
    say("\nThe server is unwound, too: when a nursery is left nothing of it is still running.");
    Ok(())
}

/// Stop 1. Children work on their parent's variables, without `Arc`, `clone` or `'static`.
#[trio::task]
async fn children_borrow(server: &Server) -> trio::Result<()> {
    heading("Children borrow from their parent");

    let words: Vec<String> = ["tasks", "live", "in", "nurseries"].map(String::from).into();
    let answers = RefCell::new(Vec::new());
    nursery!(|n| {
        for word in &words {
            n.spawn(ask_and_note, server, word, &answers);
        }
    })?;
    // Every child is finished here, so the variables are ours again.
    let mut answers = answers.into_inner();
    answers.sort();
    say(format_args!("four children, four connections at once: {answers:?}"));
    Ok(())
}

#[trio::task]
async fn ask_and_note(
    server: &Server,
    word: &str,
    answers: &RefCell<Vec<String>>,
) -> io::Result<()> {
    let answer = ask(server, word).await?;
    answers.borrow_mut().push(answer);
    Ok(())
}

/// Stop 2. Whatever runs under a timeout is unwound when it passes: `ask` knows nothing of it.
#[trio::task]
async fn a_timeout(server: &Server) -> trio::Result<()> {
    heading("A timeout goes around anything");

    let limit = Duration::from_millis(100);
    match trio::move_on_after(limit, async { ask(server, "wait").await }).await {
        Some(answer) => say(format_args!("the server has answered {:?}", answer?)),
        None => say(format_args!("no answer within {limit:?}: moved on")),
    }
    // The stream was a variable of `ask`: it was dropped with the frame, which has closed it.
    while server.connected.get() > 0 {
        server.gone.park().await?;
    }
    say("the connection is closed, and the server has noticed");
    Ok(())
}

/// Stop 3. An error cancels the other children, and none is lost.
#[trio::task]
async fn a_failing_child(server: &Server) {
    heading("A child fails");

    let result = nursery!(|n| {
        n.spawn(ask, server, "wait");
        n.spawn(add_up, server);
    });
    match result {
        Ok(()) => say("nobody has failed"),
        Err(group) => say(format_args!("{group:#}")),
    }
    say("the child that waited is unwound; a cancellation is not an error, and is in no tree");
}

/// Both of these fail: what has been asked is waited for, also when the other one has failed meanwhile.
#[trio::task]
async fn add_up(server: &Server) -> trio::Result<u32> {
    let sum = Cell::new(0);
    nursery!(|n| {
        n.spawn(add, server, "seven", &sum);
        n.spawn(add, server, "twelve", &sum);
    })?;
    Ok(sum.get())
}

#[trio::task]
async fn add(server: &Server, word: &str, sum: &Cell<u32>) -> trio::Result<()> {
    let answer = trio::shield(async { ask(server, word).await }).await?;
    let number: u32 = answer.parse().map_err(|_| format!("`{answer}` is not a number"))?;
    sum.set(sum.get() + number);
    Ok(())
}

/// Stop 4. What is cancelled can still say goodbye, with all that this takes.
#[trio::task]
async fn clean_up(server: &Server) -> trio::Result<()> {
    heading("Clean-up on cancellation");

    let stream = TcpStream::connect(server.address).await?;
    nursery!(|n| {
        let child = n.spawn(wait_for_nothing, &stream);
        wait_all_tasks_blocked_for(QUIET).await;
        say("cancelling the child");
        child.cancel();
    })?;
    say("the child is finished, and so is its nursery");
    Ok(())
}

#[trio::task]
async fn wait_for_nothing(stream: &TcpStream) -> io::Result<()> {
    trio::finally_within(
        Duration::from_secs(1),
        async {
            exchange(stream, "wait").await?;
            Ok(())
        },
        // Cancellations from outside are kept off here: it can send and receive.
        async {
            match exchange(stream, "goodbye").await {
                Ok(answer) => say(format_args!("in the clean-up the server answers {answer:?}")),
                Err(error) => say(format_args!("the clean-up has failed: {error}")),
            }
        },
    )
    .await
}

/// Stop 5. Every task can be seen, with each `.await` from its outermost call to what it waits for.
#[trio::task]
async fn the_task_tree(server: &Server) -> trio::Result<()> {
    heading("The tree of tasks");

    nursery!(|n| {
        n.spawn(ask, server, "wait");
        n.spawn_named("sleeper", trio::sleep, Duration::from_secs(3600));
        n.spawn_named("observer", async {
            wait_all_tasks_blocked_for(QUIET).await;
            say(trio::lowlevel::task_tree().trim_end());
            n.cancel();
        });
    })?;
    Ok(())
}

/// Sends a word over a connection of its own, and gives the answer.
#[trio::task]
async fn ask(server: &Server, word: &str) -> io::Result<String> {
    let stream = TcpStream::connect(server.address).await?;
    exchange(&stream, word).await
}

#[trio::task]
async fn exchange(stream: &TcpStream, word: &str) -> io::Result<String> {
    stream.send_all(format!("{word}\n").as_bytes()).await?;
    receive_line(stream).await?.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// What the tour talks to.
struct Server {
    listener: TcpListener,
    address: SocketAddr,
    /// How many connections there are.
    connected: Cell<u32>,
    /// Where to wait for one of them to end.
    gone: ParkingLot,
}

impl Server {
    fn listen() -> io::Result<Server> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = listener.local_addr()?;
        Ok(Server { listener, address, connected: Cell::new(0), gone: ParkingLot::new() })
    }

    /// Serves every connection in a task of its own.
    #[trio::task]
    async fn serve(&self) -> trio::Result<()> {
        nursery!(|n| {
            loop {
                let stream = self.listener.accept().await?;
                n.spawn(Server::answer, self, stream);
            }
        })?;
        Ok(())
    }

    #[trio::task]
    async fn answer(&self, stream: TcpStream) -> io::Result<()> {
        self.connected.set(self.connected.get() + 1);
        while let Some(word) = receive_line(&stream).await? {
            if word != "wait" {
                stream.send_all(format!("{}\n", word.to_uppercase()).as_bytes()).await?;
            }
        }
        self.connected.set(self.connected.get() - 1);
        self.gone.unpark_all();
        Ok(())
    }
}

/// The next line, without its end. `None`: the other side has closed the connection.
///
/// One side waits for the other here, so what is received never goes beyond a line.
#[trio::task]
async fn receive_line(stream: &TcpStream) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let mut buffer = [0; 64];
    while !line.ends_with(b"\n") {
        let count = stream.receive_some(&mut buffer).await?;
        if count == 0 {
            return Ok(None);
        }
        line.extend_from_slice(&buffer[..count]);
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()))
}

fn heading(text: &str) {
    say(format_args!("\n== {text}"));
}
