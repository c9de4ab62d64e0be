use ui_tests::compute;

struct Generic<T>(T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn copy(&self) -> T {
        self.0.clone()
    }
}

#[trio::task]
async fn branches(choice: Option<u32>) -> u32 {
    let Some(number) = choice else {
        return 0;
    };
    match number {
        0 => compute(0),
        _ => [1, 2].iter().map(|number| compute(*number)).sum(),
    }
}

#[trio::task]
async fn prints(text: &str) {
    println!("{text}");
    assert!(!text.is_empty(), "{}", text.len());
}

fn main() {}
