use ui_tests::child;

struct Shop;

impl Shop {
    #[trio::task]
    async fn open(&self) -> u32 {
        let count = ;
        if child(count).await > {
        }
        child(1).await
    }

    #[trio::task]
    async fn close(&self) -> String {
        self.open().await
    }
}

fn main() {}
