use trio::nursery;
use ui_tests::{child, work};

#[trio::task]
async fn leaving(choice: Option<u32>) -> trio::Result<u32> {
    for number in 0..3 {
        nursery!(|n| {
            n.spawn(child, number);
            if number == 1 {
                continue;
            }
            match choice {
                Some(1) => break,
                Some(2) => return Ok(2),
                _ => {}
            }
            let Some(_) = choice else {
                return Ok(3);
            };
            n.spawn(work);
        })?;
    }
    Ok(1)
}

fn main() {}
