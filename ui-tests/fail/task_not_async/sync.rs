#[trio::task]
fn work() {}

struct Server;

impl Server {
    #[trio::task]
    pub fn serve(&self) -> u32 {
        1
    }
}

trait Serve {
    #[trio::task]
    fn serve(&self);
}

#[trio::test]
fn works() {}

#[trio::main]
fn main() {}
