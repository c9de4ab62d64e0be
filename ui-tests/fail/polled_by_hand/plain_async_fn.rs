//! The first mistake of all: the function around it is not marked.

use std::pin::Pin;

use ui_tests::{child, fetch};

async fn plain() -> u32 {
    child(1).await
}

struct Client;

impl Client {
    async fn page(&self, url: &str) -> trio::Result<String> {
        let page = fetch(url).await?;
        Ok(page)
    }
}

fn in_a_block() -> impl Future<Output = u32> {
    async { child(2).await }
}

#[trio::task]
async fn in_a_plain_closure() {
    let later = || async { child(3).await };
    later().await;
}

fn in_a_box() -> Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(child(4))
}

fn main() {}
