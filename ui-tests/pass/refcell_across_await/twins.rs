#![deny(warnings)]

use std::cell::RefCell;

use ui_tests::work;

#[trio::task]
async fn twins(list: &RefCell<Vec<u32>>) {
    {
        let mut list = list.borrow_mut();
        list.push(1);
    }
    work().await;
    list.borrow_mut().push(1);
}

#[trio::task(allow(refcell_across_await))]
async fn allowed(list: &RefCell<Vec<u32>>) {
    let _list = list.borrow();
    work().await;
}

fn main() {
    let list: &'static RefCell<Vec<u32>> = Box::leak(Box::default());
    trio::run(|| twins(list));
    trio::run(|| allowed(list));
}
