#[trio::task]
enum Kind {
    One,
}

#[trio::test]
const NUMBER: u32 = 1;

#[trio::task]
use std::fmt as text;

#[trio::main]
type Name = String;

struct Server;

impl Server {
    #[trio::task]
    const PORT: u16 = 80;
}

fn main() {}
