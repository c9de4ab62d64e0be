//! What a child has borrowed stays borrowed until the nursery is left.
use trio::nursery;

#[trio::task]
async fn push(list: &mut Vec<u32>) {
    trio::lowlevel::checkpoint().await;
    list.push(1);
}

#[trio::task]
async fn read(list: &[u32]) {
    trio::lowlevel::checkpoint().await;
    println!("{list:?}");
}

#[trio::task]
async fn two_children_change_it() -> trio::Result<()> {
    let mut list = Vec::new();
    nursery!(|n| {
        n.spawn(push, &mut list);
        n.spawn(push, &mut list);
    })?;
    Ok(())
}

#[trio::task]
async fn the_body_changes_it() -> trio::Result<()> {
    let mut list = Vec::new();
    nursery!(|n| {
        n.spawn(read, &list);
        list.push(2);
    })?;
    Ok(())
}

#[trio::task]
async fn the_body_drops_it() -> trio::Result<()> {
    let list = Vec::new();
    nursery!(|n| {
        n.spawn(read, &list);
        drop(list);
    })?;
    Ok(())
}

#[trio::task]
async fn the_body_reads_what_a_child_changes() -> trio::Result<()> {
    let mut list = Vec::new();
    nursery!(|n| {
        n.spawn(async { push(&mut list).await });
        println!("{list:?}");
    })?;
    Ok(())
}

fn main() {}
