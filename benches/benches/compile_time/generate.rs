//! The crates that are compiled: the same functions, once as plain `async fn`, once as tasks.

use std::fmt::Write;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    Plain,
    Tasks,
}

/// Functions of a few common shapes, in a row: each calls the one before it.
const SHAPES: [&str; 6] = [
    "async fn f#(seed: u64, name: &str) -> Result<u64, Failed> {
    let length = name.len() as u64;
    let first = f@(seed + length, name).await?;
    if first > 1_000 {
        return Err(Failed(first));
    }
    pause().await;
    Ok(first * 2)
}",
    "async fn f#(seed: u64, name: &str) -> Result<u64, Failed> {
    let mut sum = 0;
    for step in 0..seed % 3 {
        pause().await;
        sum += step;
    }
    match f@(sum, name).await {
        Ok(value) => Ok(value + sum),
        Err(Failed(code)) if code > 5 => {
            pause().await;
            Err(Failed(code - 5))
        }
        Err(failed) => Err(failed),
    }
}",
    "async fn f#(seed: u64, name: &str) -> Result<u64, Failed> {
    let mut state = State { count: seed, names: Vec::new() };
    while state.count > 0 {
        state.step(name).await;
        if state.names.len() > 3 {
            break;
        }
    }
    f@(state.count, &state.names.concat()).await
}",
    "async fn f#(seed: u64, name: &str) -> Result<u64, Failed> {
    let text = format!(\"{name}: {}\", f@(seed, name).await?);
    let Some(last) = text.chars().last() else {
        return Err(Failed(seed));
    };
    pause().await;
    let digits: Vec<u64> = text.chars().filter_map(|c| c.to_digit(10)).map(u64::from).collect();
    Ok(digits.iter().sum::<u64>() + u64::from(last == '0'))
}",
    "async fn f#(seed: u64, name: &str) -> Result<u64, Failed> {
    let (a, b) = (f@(seed, name).await, f!(seed / 2, name).await);
    let value = match (a, b) {
        (Ok(a), Ok(b)) => a.max(b),
        (Ok(value), Err(_)) | (Err(_), Ok(value)) => value,
        (Err(failed), Err(_)) => return Err(failed),
    };
    assert!(value < 1 << 40, \"{value} is too much for {name}\");
    Ok(value)
}",
    "async fn f#(seed: u64, name: &str) -> Result<u64, Failed> {
    let mut tries = 0;
    let value = loop {
        pause().await;
        match f@(seed ^ tries, name).await {
            Ok(value) => break value,
            Err(failed) if tries == 3 => return Err(failed),
            Err(_) => tries += 1,
        }
    };
    Ok(value.wrapping_add(tries))
}",
];

/// A program of that many functions.
pub fn program(flavour: Flavour, functions: usize) -> String {
    let mut program = String::from(match flavour {
        Flavour::Plain => PLAIN,
        Flavour::Tasks => TASKS,
    });
    program.push_str(COMMON);
    let task = if flavour == Flavour::Tasks { "#[trio::task]\n" } else { "" };
    let _ = writeln!(
        program,
        "impl State {{\n    {task}async fn step(&mut self, name: &str) {{\n        \
         self.names.push(name.to_owned());\n        pause().await;\n        \
         self.count -= 1;\n    }}\n}}\n\n{task}async fn f0(seed: u64, _: &str) -> \
         Result<u64, Failed> {{\n    pause().await;\n    Ok(seed)\n}}\n"
    );
    for number in 1..=functions {
        let shape = SHAPES[number % SHAPES.len()];
        // A chain of all would be one future as deep: it starts anew now and then.
        let before = if number % 12 == 1 { 0 } else { number - 1 };
        let text = shape
            .replace("f#", &format!("f{number}"))
            .replace("f@", &format!("f{before}"))
            .replace("f!", "f0");
        let _ = writeln!(program, "{task}{text}\n");
    }
    let _ =
        writeln!(program, "{task}async fn all() -> Result<u64, Failed> {{\n    let mut sum = 0;");
    for number in (0..=functions).filter(|number| number % 12 == 0) {
        let _ = writeln!(program, "    sum += f{number}(1, \"name\").await?;");
    }
    let _ = writeln!(program, "    Ok(sum)\n}}");
    program
}

const COMMON: &str = "
#[derive(Debug)]
struct Failed(u64);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, \"failed with {}\", self.0)
    }
}

impl std::error::Error for Failed {}

struct State {
    count: u64,
    names: Vec<String>,
}

";

const PLAIN: &str = "use std::future::ready;

async fn pause() {
    ready(()).await;
}

fn main() {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let all = std::pin::pin!(all());
    println!(\"{:?}\", all.poll(&mut context));
}
";

const TASKS: &str = "#[trio::task]
async fn pause() {
    trio::lowlevel::checkpoint().await;
}

fn main() {
    println!(\"{:?}\", trio::run(all));
}
";
