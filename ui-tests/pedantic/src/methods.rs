//! Methods with every `self`, and those of traits.

use std::future::ready;
use std::rc::Rc;

/// Counts.
#[derive(Debug, Default, Clone)]
pub struct Counter {
    count: u32,
    log: Vec<u32>,
}

impl Counter {
    /// Starts somewhere.
    #[trio::task]
    pub async fn starting_at(count: u32) -> Self {
        Self { count: ready(count).await, log: Vec::new() }
    }

    /// Looks.
    #[trio::task]
    pub async fn look(&self) -> u32 {
        ready(self.count).await
    }

    /// Goes on.
    #[trio::task]
    pub async fn advance(&mut self) -> &mut Self {
        self.count += ready(1).await;
        self.log.push(self.count);
        self
    }

    /// Ends.
    #[trio::task]
    pub async fn finish(mut self) -> u32 {
        self.advance().await;
        self.count
    }

    /// Shared.
    #[trio::task]
    pub async fn shared(self: Rc<Self>) -> u32 {
        self.look().await
    }
}

/// Is visited.
pub trait Visit {
    /// What comes of it.
    type Output;

    /// Has no body.
    fn visit(&mut self, times: u32) -> trio::Call<impl Future<Output = Self::Output>>;

    /// Has one.
    #[trio::task]
    async fn visit_twice(&mut self) -> Self::Output {
        self.visit(1).await;
        self.visit(1).await
    }
}

impl Visit for Counter {
    type Output = u32;

    #[trio::task]
    async fn visit(&mut self, times: u32) -> u32 {
        for _ in 0..times {
            self.advance().await;
        }
        self.count
    }
}

#[trio::task]
pub(crate) async fn all() -> trio::Result<()> {
    let mut counter = Counter::starting_at(1).await;
    counter.advance().await.advance().await;
    assert_eq!(counter.visit_twice().await, 5);
    assert_eq!(Rc::new(counter.clone()).shared().await, 5);
    let looked = trio::nursery!(|n| {
        n.spawn(Counter::look, &counter);
        n.spawn(async { counter.look().await });
        counter.look().await
    })?;
    assert_eq!(looked, counter.finish().await - 1);
    Ok(())
}
