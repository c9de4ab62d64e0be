use ui_tests::{child, work};

#[trio::task]
async fn typing() {
    let _ = trio::nursery!(|n| {
        n.spawn(child, 
    });
}

fn main() {}
