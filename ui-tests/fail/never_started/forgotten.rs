use trio::TaskStatus;
use ui_tests::work;

#[trio::task]
async fn forgotten(status: TaskStatus<u16>) {
    work().await;
}

struct Server;

impl Server {
    #[trio::task]
    async fn serve(&self, started: trio::TaskStatus<()>, port: u16) {
        println!("{port}");
        work().await;
    }
}

fn main() {}
