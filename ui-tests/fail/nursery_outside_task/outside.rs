use trio::nursery;
use ui_tests::work;

async fn plain() {
    nursery!(|n| {
        n.spawn(work);
        n.spawn(work);
    });
}

#[trio::task]
async fn in_a_closure() {
    let open = || {
        nursery!(|n| {
            n.spawn(work);
            n.spawn(work);
        })
    };
    open();
    work().await;
}

fn main() {}
