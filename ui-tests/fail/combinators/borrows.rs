use trio::{gather, join};
use ui_tests::greet;

#[trio::task]
async fn push(list: &mut Vec<usize>, name: &str) {
    list.push(greet(name).await);
}

#[trio::task]
async fn twice_mutably() {
    let mut list = Vec::new();
    join!(push(&mut list, "a"), push(&mut list, "b")).await;
}

#[trio::task]
async fn too_short() {
    let greetings = {
        let name = String::from("gone");
        join!(greet(&name), greet("there"))
    };
    greetings.await;
}

#[trio::task]
async fn of_the_closure() {
    let lengths = ["a", "b"].into_iter().map(|name| {
        let name = name.to_owned();
        greet(&name)
    });
    gather(2, lengths).await;
}

fn main() {}
