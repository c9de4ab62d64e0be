#![deny(warnings)]

use std::process::ExitCode;

mod boxed {
    #[trio::main]
    pub async fn start() -> Result<(), Box<dyn std::error::Error>> {
        ui_tests::work().await;
        Ok(())
    }
}

mod code {
    use super::ExitCode;

    #[trio::main]
    pub async fn start() -> ExitCode {
        ui_tests::work().await;
        ExitCode::SUCCESS
    }
}

#[trio::main]
async fn main() -> trio::Result<()> {
    ui_tests::work().await;
    if false {
        std::process::exit(i32::from(boxed::start() == code::start()));
    }
    Ok(())
}
