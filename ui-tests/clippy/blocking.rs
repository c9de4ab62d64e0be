//! Found by clippy with `docs/clippy.toml`: what blocks, under whatever name, and outside of tasks too.

#[cfg(clippy_cases)]
mod cases {
    use std::sync::mpsc::Receiver;
    use std::thread::{JoinHandle, sleep as pause};
    use std::time::Duration;

    use ui_tests::work;

    #[trio::task]
    pub async fn methods(receiver: &Receiver<u32>, thread: JoinHandle<u32>) {
        receiver.recv().ok();
        thread.join().ok();
        work().await;
    }

    pub fn helper() {
        pause(Duration::from_millis(1));
    }
}

fn main() {
    #[cfg(clippy_cases)]
    let _ = (cases::methods, cases::helper);
}
