use ui_tests::fetch;

#[trio::task]
async fn tried(choice: Option<&str>) -> trio::Result<String> {
    let page = fetch("a")?;
    let length = fetch("b")?.len();
    let Some(url) = choice else {
        return Ok(fetch("c")?);
    };
    let later = async { trio::Result::Ok(fetch(url)?) };
    later.await?;
    Ok(format!("{page}{length}"))
}

fn main() {}
