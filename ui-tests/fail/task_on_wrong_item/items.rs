#[trio::task]
struct Server;

#[trio::task]
impl Server {
    async fn serve(&self) {}
}

#[trio::task]
trait Serve {
    async fn serve(&self);
}

#[trio::main]
mod inner {}

fn main() {}
