#[trio::task(allow(control_flow_in_nursery))]
async fn in_the_options() {
    ui_tests::work().await;
}

#[trio::task]
async fn at_places(#[trio(allow(not_a_thunk))] number: u32) {
    #[trio(deny(task_not_async))]
    ui_tests::work().await;
    match number {
        #[trio(allow(spawn_arity))]
        1 => ui_tests::work().await,
        _ => {}
    }
}

fn main() {}
