use ui_tests::child;

fn sync() {
    child(1).await;
}

#[trio::task]
async fn in_a_closure() {
    let run = |number| child(number).await;
    (0..3).for_each(|number| {
        child(number).await;
    });
    child(run(1)).await;
}

fn main() {}
