use ui_tests::{child, plain, work};

#[trio::task]
async fn everywhere(choice: Option<u32>) {
    let _ = child(1);
    _ = child(2);
    let _ = plain(3);
    match choice {
        Some(number) => _ = child(number),
        None => {
            let _ = async { work().await };
        }
    }
    let run = |number| {
        let _ = child(number);
    };
    run(5);
    work().await;
}

trait Server {
    #[trio::task]
    async fn serve(&self, number: u32) {
        let _ = self.step(number);
        work().await;
    }

    #[trio::task]
    async fn step(&self, number: u32) -> u32 {
        child(number).await
    }
}

fn main() {}
