//! A pipeline: producers, a bounded channel, and consumers that work on a table they share.
//!
//! ```text
//! $ cargo run --bin pipeline              # 4 consumers, and a buffer for 8 books
//! $ cargo run --bin pipeline 1 0          # 1 consumer, who is handed each book
//! ```
//!
//! The books of a small library are counted, word by word. They are made up, so that there is nothing to
//! wait for here but each other. Of each shelf a task takes out the books; whoever is free counts the next
//! one. What goes through the channel is a reference: books, table and channel are variables of `count`,
//! whose children borrow them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::process::ExitCode;

use examples::{Stop, arguments, say};
use trio::channel::{
    ChannelStatistics, Receiver, Sender, WatchReceiver, WatchSender, channel, watch,
};
use trio::lowlevel::checkpoint;
use trio::nursery;

const USAGE: &str = "\
usage: pipeline [CONSUMERS [BUFFER]]

  CONSUMERS   how many tasks count words: 4, if nothing is said
  BUFFER      how many books can wait for them: 8, if nothing is said";

const SHELVES: usize = 6;
const BOOKS: usize = 20;

/// How many lines are printed of the table.
const SHOWN: usize = 8;

#[trio::main]
async fn main() -> trio::Result<ExitCode> {
    let options = match Options::parse(arguments()) {
        Ok(options) => options,
        Err(stop) => return Ok(stop.explain(USAGE)),
    };
    let library = Library::invented();
    let (table, statistics) = count(&library, &options).await?;

    for (word, count) in most_frequent(&table).into_iter().take(SHOWN) {
        say(format_args!("{count:6} {word}"));
    }
    let words: usize = table.values().sum();
    say(format_args!("{words:6} words in all, {} different ones", table.len()));
    say(format_args!("at most {} books waited at a time", statistics.peak_buffer_used));
    Ok(ExitCode::SUCCESS)
}

/// How often each word occurs.
type Table<'a> = BTreeMap<&'a str, usize>;

/// Counts the words of a library, and tells how the channel was used.
#[trio::task]
async fn count<'a>(
    library: &'a Library,
    options: &Options,
) -> Result<(Table<'a>, ChannelStatistics), trio::ErrorGroup> {
    let table = RefCell::new(Table::new());
    let (sender, receiver) = channel(options.buffer);
    let (done, progress) = watch(0);
    // A handle that looks on: it keeps no end of the channel open.
    let onlooker = sender.clone();
    onlooker.close();
    nursery!(|n| {
        for shelf in &library.shelves {
            n.spawn(produce, shelf, sender.clone());
        }
        for _ in 0..options.consumers {
            n.spawn(consume, receiver.clone(), &table, done.clone());
        }
        n.spawn(report, progress, SHELVES * BOOKS);
        // Each task has handles of its own, and the channels end when the last of these are dropped.
        // Those of this task would keep them open.
        drop((sender, receiver, done));
    })?;
    Ok((table.into_inner(), onlooker.statistics()))
}

/// Takes the books out of a shelf; waits while nobody has time for them.
#[trio::task]
async fn produce<'a>(shelf: &'a [Book], sender: Sender<&'a Book>) -> trio::Result<()> {
    for book in shelf {
        sender.send(book).await?;
    }
    Ok(())
}

/// Counts books until there are no more.
#[trio::task]
async fn consume<'a>(
    books: Receiver<&'a Book>,
    table: &RefCell<Table<'a>>,
    done: WatchSender<usize>,
) -> trio::Result<()> {
    while let Ok(book) = books.receive().await {
        for line in book.text.lines() {
            for word in line.split_whitespace() {
                *table.borrow_mut().entry(word).or_default() += 1;
            }
            // A book is long. Others have their turn in between.
            checkpoint().await;
        }
        done.send_modify(|done| *done += 1)?;
    }
    Ok(())
}

/// Says so when half of the books are done.
#[trio::task]
async fn report(progress: WatchReceiver<usize>, books: usize) -> trio::Result<()> {
    let half = progress.wait_for(|done| *done >= books / 2).await?;
    say(format_args!("{half} of {books} books are counted"));
    Ok(())
}

fn most_frequent<'a>(table: &Table<'a>) -> Vec<(&'a str, usize)> {
    let mut entries: Vec<_> = table.iter().map(|(word, count)| (*word, *count)).collect();
    entries.sort_by_key(|(word, count)| (usize::MAX - count, *word));
    entries
}

struct Book {
    text: String,
}

struct Library {
    shelves: Vec<Vec<Book>>,
}

impl Library {
    /// The same books every time: the words of a sentence, drawn again and again.
    fn invented() -> Library {
        const WORDS: &str = "a task lives in a nursery and the nursery waits for the task and for \
                             all the others that the task has spawned in the nursery";
        let words: Vec<&str> = WORDS.split_whitespace().collect();
        let mut state = 1_u32;
        let mut draw = |limit: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize % limit
        };
        let mut book = || {
            let mut text = String::new();
            for _ in 0..10 + draw(40) {
                for _ in 0..5 + draw(10) {
                    text.push_str(words[draw(words.len())]);
                    text.push(' ');
                }
                text.push('\n');
            }
            Book { text }
        };
        let shelves = (0..SHELVES).map(|_| (0..BOOKS).map(|_| book()).collect()).collect();
        Library { shelves }
    }
}

struct Options {
    consumers: usize,
    buffer: usize,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Stop> {
        let mut number = |what: &str, otherwise: usize| match arguments.next() {
            None => Ok(otherwise),
            Some(help) if help == "--help" || help == "-h" => Err(Stop::Help),
            Some(text) => {
                text.parse().map_err(|_| Stop::Wrong(format!("{what}: not a number: {text}")))
            }
        };
        let options = Options { consumers: number("CONSUMERS", 4)?, buffer: number("BUFFER", 8)? };
        if options.consumers == 0 {
            return Err("without consumers nothing is counted".into());
        }
        match arguments.next() {
            Some(extra) => Err(Stop::Wrong(format!("one argument too many: {extra}"))),
            None => Ok(options),
        }
    }
}
