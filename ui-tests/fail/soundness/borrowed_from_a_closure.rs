//! The locals of a closure are gone when it returns, so no child may borrow them.
use trio::nursery;

#[trio::task]
async fn read(text: &str) {
    trio::lowlevel::checkpoint().await;
    println!("{text}");
}

#[trio::task]
async fn a_local() -> trio::Result<()> {
    nursery!(|n| {
        let spawn = |number: u32| {
            let text = number.to_string();
            n.spawn(read, &text);
        };
        spawn(1);
    })?;
    Ok(())
}

#[trio::task]
async fn a_parameter() -> trio::Result<()> {
    nursery!(|n| {
        ["a", "b"].map(String::from).iter().for_each(|text| {
            n.spawn(read, text);
        });
    })?;
    Ok(())
}

fn a_thunk_that_keeps_it() {
    trio::run(|| {
        let text = String::from("a");
        read(&text)
    });
}

fn main() {}
