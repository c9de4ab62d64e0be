#![deny(warnings)]

use ui_tests::work;

struct Event;

impl Event {
    async fn wait(&self) {}
}

#[trio::task]
async fn twins() {
    Event.wait().await;
    Event::wait(&Event).await;
    work().await;
    println!("{} {:?}", ["a", "b"].join(","), std::path::Path::new("a").join("b"));
}

fn main() {
    trio::run(twins);
}
