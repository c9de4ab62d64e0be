#![deny(warnings)]

use std::path::Path;

use ui_tests::work;

#[trio::task]
async fn silent(path: &Path) -> bool {
    work().await;
    path.exists()
}

#[trio::task(deny(blocking_path_method))]
async fn denied(path: &Path) -> bool {
    work().await;
    #[trio(allow(blocking_path_method))]
    let there = path.exists();
    there && path.join("a").is_absolute()
}

fn main() {
    trio::run(|| silent(Path::new("a")));
    trio::run(|| denied(Path::new("a")));
}
