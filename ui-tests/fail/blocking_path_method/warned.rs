#![deny(warnings)]

use std::path::Path;

use ui_tests::work;

#[trio::task(warn(blocking_path_method))]
pub async fn warned(path: &Path) -> bool {
    work().await;
    path.is_file()
}

fn main() {}
