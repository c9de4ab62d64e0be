use ui_tests::{child, plain, work};

fn main() {
    trio::run(work());
    trio::run(plain(1));
    trio::run(async { 1 });
}

fn with_a_builder() {
    trio::Builder::new().run(child(1));
}

fn in_a_helper(n: trio::Nursery<'_>) {
    n.spawn(child(1));
}
