#![deny(warnings)]
#![allow(dead_code)]

use trio::TaskStatus;
use ui_tests::{serve, work};

#[trio::task]
async fn direct(status: TaskStatus<u16>) {
    status.started(80);
    work().await;
}

#[trio::task]
async fn conditional(status: TaskStatus<u16>, really: bool) {
    work().await;
    if really {
        status.started(80);
    }
}

#[trio::task]
async fn in_a_closure(status: TaskStatus<u16>) {
    work().await;
    let start = move |port| status.started(port);
    start(80);
}

#[trio::task]
async fn passed_on(status: TaskStatus<u16>) {
    serve(status, 80).await;
}

#[trio::task]
async fn stub(status: TaskStatus<u16>) {
    drop(status);
    todo!()
}

#[trio::task]
async fn deliberate(_status: TaskStatus<u16>) {
    work().await;
}

#[trio::task(allow(never_started))]
async fn allowed(#[allow(unused_variables)] status: TaskStatus<u16>) {
    work().await;
}

fn main() {}
