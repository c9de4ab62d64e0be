use std::path::Path;

use ui_tests::work;

#[trio::task(deny(blocking_path_method))]
async fn denied(path: &Path) -> bool {
    work().await;
    path.exists() && path.metadata().is_ok()
}

fn main() {}
