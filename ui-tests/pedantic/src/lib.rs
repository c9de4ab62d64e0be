//! Correct code in every form that the macros know, under nearly every lint there is.

mod blocks;
mod bodies;
mod methods;
mod nurseries;
mod signatures;

pub use self::methods::{Counter, Visit};
pub use self::signatures::{Pair, generic, opaque, patterns};

/// Runs all that is here.
///
/// # Errors
///
/// None is expected.
#[trio::task]
pub async fn everything() -> trio::Result<()> {
    signatures::all().await;
    methods::all().await?;
    bodies::all().await?;
    blocks::all().await?;
    nurseries::all().await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[trio::test(clock = "mock")]
    async fn everything_runs() -> trio::Result<()> {
        super::everything().await
    }

    #[trio::test(clock = "mock", seed = 7)]
    async fn a_test_returns_nothing() {
        trio::sleep(Duration::from_mins(1)).await;
    }
}
