#![deny(warnings)]

use ui_tests::fetch;

fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.parse()
}

#[trio::task]
async fn twins() -> trio::Result<String> {
    let page = fetch("a").await?;
    let number = parse("1")? + "2".parse::<u32>()?;
    Ok(format!("{page}{number}{}", fetch("b").await?))
}

fn main() {
    trio::run(twins).unwrap();
}
