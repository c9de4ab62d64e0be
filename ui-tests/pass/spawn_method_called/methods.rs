#![deny(warnings)]

use trio::nursery;
use ui_tests::child;

pub struct Server {
    port: u32,
}

impl Server {
    #[trio::task]
    async fn serve(&self, number: u32) {
        child(self.port + number).await;
    }

    fn thunk(&self) -> impl FnOnce() -> std::future::Ready<()> + 'static {
        || std::future::ready(())
    }

    #[trio::task]
    pub async fn run(&self) -> trio::Result<()> {
        nursery!(|n| {
            n.spawn(Self::serve, self, 1);
            n.spawn(async { self.serve(2).await });
            n.spawn(|| self.serve(3));
            n.spawn(self.thunk());
        })?;
        Ok(())
    }
}

fn main() {
    trio::run(|| Server { port: 1 }.run_owned()).unwrap();
}

impl Server {
    #[trio::task]
    async fn run_owned(self) -> trio::Result<()> {
        self.run().await
    }
}
