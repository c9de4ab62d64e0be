use trio::TaskStatus;
use ui_tests::work;

trait Serve {
    #[trio::task]
    async fn serve(&self, status: TaskStatus<u16>) {
        work().await;
    }
}

struct Generic<T>(T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    async fn serve(&self, port: u16, ready: TaskStatus<T>) {
        match port {
            80 => work().await,
            _ => {}
        }
    }
}

fn main() {}
