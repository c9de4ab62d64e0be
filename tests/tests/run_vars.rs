//! `RunVar`: one value per run, whoever of it asks. What a value's destructor may do is in `run.rs`.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::thread;

use tests::panics::panic_text;
use trio::lowlevel::{Instrument, Next, RunVar, checkpoint, current_trio_token, spawn_system_task};
use trio::nursery;
use trio::testing::wait_all_tasks_blocked;

static FISH: RunVar<&str> = RunVar::new("fish");
static OTHER: RunVar<&str> = RunVar::new("fish");

// K106
#[trio::test]
async fn a_variable_has_no_value_until_it_is_set_and_others_of_its_name_have_none_then() {
    checkpoint().await;
    assert_eq!(FISH.get(), None);
    FISH.set("cod");
    assert_eq!((FISH.get(), OTHER.get()), (Some("cod"), None));
    FISH.set("plaice");
    assert_eq!(FISH.get(), Some("plaice"));
    assert_eq!(format!("{FISH:?}"), "RunVar(fish)");
}

// K106
#[trio::test]
async fn tokens_put_back_what_was_there_before_them_in_whatever_order() {
    checkpoint().await;
    let first = FISH.replace("cod");
    let second = FISH.replace("plaice");
    let third = FISH.replace("haddock");
    drop(third);
    assert_eq!(FISH.get(), Some("haddock"), "a token that is dropped puts nothing back");
    FISH.reset(first);
    assert_eq!(FISH.get(), None);
    FISH.reset(second);
    assert_eq!(FISH.get(), Some("cod"));
}

// K106
#[trio::test]
async fn the_tasks_of_a_run_share_the_value() {
    nursery!(|n| {
        let token = FISH.replace("cod");
        n.spawn(async {
            assert_eq!(FISH.get(), Some("cod"));
            FISH.set("plaice");
            wait_all_tasks_blocked().await;
            assert_eq!(FISH.get(), Some("haddock"));
        });
        checkpoint().await;
        assert_eq!(FISH.get(), Some("plaice"));
        FISH.reset(token);
        assert_eq!(FISH.get(), None);
        FISH.set("haddock");
    })
    .unwrap();
}

// K106
#[trio::test]
async fn callbacks_and_system_tasks_belong_to_the_run() {
    FISH.set("cod");
    let (sender, receiver) = channel();
    current_trio_token().call_soon(move || sender.send(FISH.get()).unwrap()).unwrap();
    wait_all_tasks_blocked().await;
    assert_eq!(receiver.recv().unwrap(), Some("cod"));
    spawn_system_task(|| async { FISH.set("plaice") });
    wait_all_tasks_blocked().await;
    assert_eq!(FISH.get(), Some("plaice"));
}

/// Writes down the value when the run begins and when it is over.
#[derive(Default)]
struct Looks(RefCell<Vec<Option<&'static str>>>);

impl Instrument for Looks {
    fn before_run(&self) {
        self.0.borrow_mut().push(FISH.get());
        FISH.set("cod");
    }
    fn after_run(&self) {
        self.0.borrow_mut().push(FISH.get());
    }
}

// K106
#[test]
fn the_value_is_there_from_the_first_hook_of_a_run_to_the_last() {
    let looks = Rc::new(Looks::default());
    let value = trio::Builder::new().instrument(Rc::clone(&looks) as _).run(|| async {
        let before = FISH.get();
        FISH.set("plaice");
        before
    });
    assert_eq!(value, Some("cod"));
    assert_eq!(*looks.0.borrow(), [None, Some("plaice")]);
}

// K106
#[test]
fn the_host_of_a_guest_sees_its_value() {
    let mut guest = trio::Builder::new().guest(|| async {
        checkpoint().await;
        FISH.get()
    });
    FISH.set("cod");
    while guest.step() != Next::Over {}
    assert_eq!(guest.finish().unwrap(), Some("cod"));
}

// K106
#[test]
fn runs_in_two_threads_have_two_values() {
    trio::run(|| async {
        FISH.set("cod");
        let other = thread::spawn(|| {
            trio::run(|| async {
                let before = FISH.get();
                FISH.set("plaice");
                (before, FISH.get())
            })
        });
        assert_eq!(other.join().unwrap(), (None, Some("plaice")));
        assert_eq!(FISH.get(), Some("cod"));
    });
}

// K106, A10
#[test]
fn outside_a_run_there_is_no_value_and_a_token_does_not_leave_its_run() {
    let token = trio::run(|| async { FISH.replace("cod") });
    assert!(panic_text(|| FISH.get()).contains("inside a trio run"));
    assert!(panic_text(|| FISH.reset(token)).contains("inside a trio run"));
}
