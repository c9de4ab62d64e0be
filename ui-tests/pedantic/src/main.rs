//! The attribute of `main`.

/// Runs all that is here.
#[trio::main]
async fn main() -> trio::Result<()> {
    pedantic::everything().await
}
