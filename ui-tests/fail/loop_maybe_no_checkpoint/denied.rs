#[trio::task(deny(loop_maybe_no_checkpoint))]
pub async fn denied(text: &[u8]) -> trio::Result<usize> {
    ui_tests::work().await;
    let mut index = 0;
    loop {
        if *text.get(index).ok_or("no end of line")? == b'\n' {
            return Ok(index);
        }
        index += 1;
    }
}

fn main() {}
