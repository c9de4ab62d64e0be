//! All of these are said in one go, and the functions are there for the rest of the file.

use ui_tests::{child, greet, work};

#[trio::task(strikt)]
async fn mistaken(count: u32) -> u32 {
    #[trio(allow(no_such_rule))]
    let sum: String = child(count).await;
    let _ = trio::nursery!(|n| {
        n.spawn(child(1));
        n.spawn(child, 1).await;
        n.spawn(greet, 1);
        if count > 1 {
            return 1;
        }
    });
    async { work().await };
    let _ = child(2);
    loop {
        println!("{sum}");
    }
}

#[trio::task]
fn not_async(count: u32) -> u32 {
    count.no_such_method()
}

#[trio::task]
async fn calls_them() {
    let wrong: String = mistaken(1).await;
    not_async("text");
    no_such_function().await;
}

fn main() {
    let wrong: u32 = mistaken;
}
