//! A nursery lies in the frame of a task, and in no other.
use trio::nursery;

async fn plain() {
    nursery!(|n| {
        n.cancel();
    })
    .unwrap();
}

fn sync() {
    nursery!(|n| {
        n.cancel();
    });
}

#[trio::task]
async fn closures() {
    let future = || async {
        nursery!(|n| {
            n.cancel();
        })
        .unwrap();
    };
    future().await;
}

fn main() {}
