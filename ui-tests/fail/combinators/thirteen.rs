use trio::join;
use ui_tests::work;

#[trio::task]
async fn thirteen() {
    join!(
        work(), work(), work(), work(), work(), work(), work(), work(), work(), work(), work(),
        work(), work(),
    )
    .await;
}

fn main() {}
