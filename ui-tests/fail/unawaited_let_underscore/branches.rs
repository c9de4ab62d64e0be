use ui_tests::{child, work};

#[trio::task]
async fn branches(choice: Option<u32>) {
    let _ = if choice.is_some() { child(1) } else { child(1) };
    let _ = match choice {
        Some(number) => child(number),
        None => child(0),
    };
    _ = {
        work().await;
        child(2)
    };
    drop(if choice.is_some() { child(3) } else { child(4) });
    work().await;
}

fn main() {}
