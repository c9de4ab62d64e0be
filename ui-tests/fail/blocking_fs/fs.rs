#![deny(warnings)]

use std::fs::{self, File};

use ui_tests::work;

#[trio::task]
pub async fn blocking(path: &str) -> trio::Result<usize> {
    let bytes = std::fs::read(path)?;
    fs::write(path, "a")?;
    drop(File::open(path)?);
    work().await;
    let lengths = [path].map(|path| fs::metadata(path).map_or(0, |data| data.len()));
    Ok(bytes.len() + lengths.len())
}

fn main() {}
