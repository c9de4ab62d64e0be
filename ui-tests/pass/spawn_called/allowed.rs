#![deny(warnings)]

fn main() {}

/// Where the rule is switched off, the types still refuse.
#[trio::task(allow(spawn_called))]
async fn allowed() -> trio::Result<()> {
    trio::nursery!(|n| {
        n.spawn(ui_tests::child, 1);
        n.spawn(ui_tests::work);
    })?;
    Ok(())
}

pub fn used() {
    trio::run(allowed).unwrap();
}
