use trio::nursery;
use ui_tests::work;

#[trio::task]
async fn unused() {
    nursery!(|n| {
        n.spawn(work);
        n.spawn(work);
    });
}

fn main() {}
