use trio::{Nursery, nursery};
use ui_tests::child;

struct Server {
    port: u32,
}

impl Server {
    #[trio::task]
    async fn serve(&self, number: u32) {
        child(self.port + number).await;
    }

    #[trio::task]
    async fn run(&self) -> trio::Result<()> {
        nursery!(|n| {
            n.spawn(self.serve(1));
            n.spawn_named("second", self.serve(2));
        })?;
        Ok(())
    }
}

#[trio::task]
async fn another(server: &'static Server, n: Nursery<'_>) {
    n.spawn(server.serve(3));
    child(1).await;
}

fn main() {}
