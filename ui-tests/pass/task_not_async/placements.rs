#![deny(warnings)]
#![allow(dead_code)]

use ui_tests::work;

struct Server;

impl Server {
    #[trio::task]
    async fn serve(&self) {
        work().await;
    }
}

trait Serve {
    #[trio::task]
    async fn serve(&self);

    #[trio::task]
    async fn twice(&self) {
        self.serve().await;
        self.serve().await;
    }
}

impl Serve for Server {
    #[trio::task]
    async fn serve(&self) {
        work().await;
    }
}

#[trio::main]
async fn main() {
    Server::serve(&Server).await;
}
