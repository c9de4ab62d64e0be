use ui_tests::{child, plain, work};

#[trio::task]
async fn everywhere(choice: Option<u32>) {
    child(1);
    trio::sleep(std::time::Duration::from_millis(1));
    trio::fail_after(std::time::Duration::from_millis(1), work);
    plain(1);
    match choice {
        Some(number) => child(number),
        None => child(0),
    };
    let Some(_) = choice else {
        child(2);
        return;
    };
    (0..3).for_each(|number| {
        child(number);
    });
    work().await;
}

struct Server<T>(T);

impl<T> Server<T> {
    #[trio::task]
    async fn serve(&self) {
        self.step();
        work().await;
    }

    #[trio::task]
    async fn step(&self) {
        work().await;
    }
}

fn main() {}
