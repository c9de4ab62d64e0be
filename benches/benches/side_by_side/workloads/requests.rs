//! What a service does: a request is received and parsed, under a time limit it is handed to another task
//! through a channel and comes back, and a response is written. Both ends are in one thread.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use benches::{Options, Workload};
use trio::channel::{Receiver, Sender, channel};
use trio::net::TcpStream;
use trio::{fail_after, nursery};

use super::FINE;
use super::echo::{pairs, pairs_on_trio};
use crate::peers::{Channels, Network, Peers, Timers, on_executors};

const GROUP: &str = "Requests";
const CONNECTIONS: u32 = 64;
/// How many requests each connection does at least: the first one is not like the others.
const EACH: u32 = 10;
const BUFFER: usize = 4096;
/// How many requests can wait for the task that looks things up.
const QUEUE: usize = 64;
const LIMIT: Duration = Duration::from_secs(5);
const REQUEST: &str = "GET /items/1234 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: benches\r\n\
                       Accept: application/json\r\nAccept-Encoding: identity\r\n\
                       Connection: keep-alive\r\n\r\n";

pub fn workloads(_: &Options) -> Vec<Workload> {
    let name = format!("request and response, {CONNECTIONS} connections");
    let workload =
        Workload::new(GROUP, name).step(CONNECTIONS * EACH).trio(|n| on_trio(n / CONNECTIONS));
    vec![
        on_executors!(workload, |n| on_an_executor(n / CONNECTIONS)).python("requests.py", &["64"]),
    ]
}

/// The item that a request asks for, if the request is whole.
fn parse(request: &[u8]) -> Option<u32> {
    let text = str::from_utf8(request).expect("it is text");
    let (head, _) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let path = lines.next().expect("there is a first one").split(' ').nth(1).expect("a path");
    let mut is_kept = false;
    for line in lines {
        let (name, value) = line.split_once(':').expect("it is a header");
        is_kept |= name.eq_ignore_ascii_case("connection") && value.trim() == "keep-alive";
    }
    assert!(is_kept);
    path.strip_prefix("/items/").expect("no other is asked for").parse().ok()
}

/// Looks an item up.
fn price(item: u32) -> u32 {
    1 + (item.wrapping_mul(2_654_435_761) >> 16)
}

fn write_response(text: &mut String, item: u32, price: u32) {
    text.clear();
    let length = 21 + item.ilog10() + price.ilog10();
    write!(
        text,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n\
         {{\"item\":{item},\"price\":{price}}}\n"
    )
    .expect("a string can be written to");
}

/// Whether this is all of a response.
fn is_whole(response: &[u8]) -> bool {
    response.ends_with(b"}\n")
}

// Trio

/// An item that is asked for, and where the price goes.
struct Question {
    item: u32,
    reply: Sender<u32>,
}

#[trio::task]
async fn on_trio(times: u32) -> trio::Result<Duration> {
    let (near, far): (Vec<_>, Vec<_>) = pairs_on_trio(CONNECTIONS).await?.into_iter().unzip();
    let mut time = Duration::ZERO;
    nursery!(|n| {
        let (questions, asked) = channel(QUEUE);
        n.spawn(look_up, asked);
        for stream in far {
            n.spawn(serve, stream, questions.clone());
        }
        let start = Instant::now();
        nursery!(|n| {
            for stream in &near {
                n.spawn(ask, stream, times);
            }
        })?;
        time = start.elapsed();
        drop((near, questions));
    })?;
    Ok(time)
}

#[trio::task]
async fn look_up(asked: Receiver<Question>) {
    while let Ok(question) = asked.receive().await {
        question.reply.send(price(question.item)).await.expect("it is waited for");
    }
}

#[trio::task]
async fn serve(stream: TcpStream, questions: Sender<Question>) -> trio::Result<()> {
    let (reply, answers) = channel(1);
    let (mut buffer, mut filled) = (vec![0; BUFFER], 0);
    let mut text = String::new();
    while let count @ 1.. = stream.receive_some(&mut buffer[filled..]).await? {
        filled += count;
        let Some(item) = parse(&buffer[..filled]) else { continue };
        filled = 0;
        let price = fail_after(LIMIT, async {
            let question = Question { item, reply: reply.clone() };
            questions.send(question).await.expect("somebody looks it up");
            answers.receive().await.expect("it is answered")
        })
        .await?;
        write_response(&mut text, item, price);
        stream.send_all(text.as_bytes()).await?;
    }
    Ok(())
}

#[trio::task]
async fn ask(stream: &TcpStream, times: u32) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    for _ in 0..times {
        stream.send_all(REQUEST.as_bytes()).await?;
        let mut filled = 0;
        while !is_whole(&buffer[..filled]) {
            filled += stream.receive_some(&mut buffer[filled..]).await?;
        }
    }
    Ok(())
}

// The peers. A buffer that is given away is received into from its beginning; what is received here always
// comes in one piece, so that this makes no difference.

async fn on_an_executor<E: Network + Timers + Channels>(times: u32) -> io::Result<Duration> {
    let (near, far): (Vec<_>, Vec<_>) = pairs::<E>(CONNECTIONS).await?.into_iter().unzip();
    let (questions, asked) = E::channel(QUEUE);
    let looking_up = E::spawn(looks_up::<E>(asked));
    let serve = |stream| E::spawn(serves::<E>(stream, questions.clone()));
    let serving: Vec<_> = far.into_iter().map(serve).collect();
    let start = Instant::now();
    let asking: Vec<_> = near.into_iter().map(|it| E::spawn(asks::<E>(it, times))).collect();
    let mut near = Vec::new();
    for task in asking {
        near.push(task.await?);
    }
    let time = start.elapsed();
    drop((near, questions));
    for task in serving {
        task.await?;
    }
    looking_up.await;
    Ok(time)
}

type Asked<E> = (u32, <E as Channels>::Sender<u32>);

async fn looks_up<E: Channels>(mut asked: E::Receiver<Asked<E>>) {
    while let Some((item, mut reply)) = E::take(&mut asked).await {
        E::give(&mut reply, price(item)).await;
    }
}

async fn serves<E: Network + Timers + Channels>(
    mut stream: E::Stream,
    mut questions: E::Sender<Asked<E>>,
) -> io::Result<()> {
    let (reply, mut answers) = E::channel(1);
    let mut buffer = vec![0; BUFFER];
    let mut text = String::new();
    loop {
        let (received, count) = E::receive(&mut stream, buffer).await?;
        if count == 0 {
            return Ok(());
        }
        let item = parse(&received[..count]).expect("it has come in one piece");
        buffer = received;
        let answer = async {
            E::give(&mut questions, (item, reply.clone())).await;
            E::take(&mut answers).await.expect("it is answered")
        };
        let price = E::within(LIMIT, answer).await.expect(FINE);
        write_response(&mut text, item, price);
        let count = text.len();
        text = String::from_utf8(E::send(&mut stream, text.into_bytes(), count).await?)
            .expect("it was text before");
    }
}

/// Gives the stream back, so that it is not closed before the others are done.
async fn asks<E: Network>(mut stream: E::Stream, times: u32) -> io::Result<E::Stream> {
    let (mut request, mut buffer) = (REQUEST.as_bytes().to_vec(), vec![0; BUFFER]);
    for _ in 0..times {
        request = E::send(&mut stream, request, REQUEST.len()).await?;
        let (received, count) = E::receive(&mut stream, buffer).await?;
        assert!(is_whole(&received[..count]));
        buffer = received;
    }
    Ok(stream)
}
