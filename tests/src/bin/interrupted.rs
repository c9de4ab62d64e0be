//! Programs that get a Ctrl-C: what `tests/interrupt.rs` starts. The argument says which.

use std::cell::Cell;
use std::fmt::Debug;
use std::io::stdin;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use tests::probe::OnDrop;
use trio::lowlevel::{HostCall, ParkingLot, RunVar, checkpoint, start_guest_run, wait_readable};
use trio::signal::{self, open_signal_receiver};
use trio::testing::wait_all_tasks_blocked;
use trio::{Builder, Interrupted, nursery};

fn main() -> ExitCode {
    let program = std::env::args().nth(1).expect("the program's name");
    match program.as_str() {
        "cleans_up" => trio::run(cleans_up),
        "cleans_up_forever" => trio::run(cleans_up_forever),
        "computes" => trio::run(computes),
        "raises_and_goes_on" => trio::run(raises_and_goes_on),
        "checks" => trio::run(checks),
        "shielded" => trio::run(shielded),
        "prints_without_newline" => trio::run(prints_without_newline),
        "panics_when_cleaning_up" => trio::run(panics_when_cleaning_up),
        "waits_for_input" => trio::run(waits_for_input),
        "ignores" => Builder::new().ignore_interrupts().run(cleans_up),
        "in_a_thread" => std::thread::spawn(|| trio::run(cleans_up)).join().unwrap(),
        "has_a_handler" => has_a_handler(),
        "takes_the_handler_over" => takes_the_handler_over(),
        "returns" => tell(&Builder::new().run_interruptible(cleans_up)),
        "hosts_a_guest" => hosts_a_guest(),
        "sleeps" => trio::run(sleeps_among_others),
        "raises_and_hangs" => trio::run(raises_and_hangs),
        "sleeps_for_long" => trio::run(sleeps_for_long),
        "hangs_on_purpose" => Builder::new().detect_deadlocks(false).run(hangs),
        "runs_twice" => runs_twice(),
        "raises_before_main" => tell(&raises_before_main()),
        "raises_and_returns" => tell(&Builder::new().run_interruptible(raises_and_returns)),
        "raises_at_shutdown" => tell(&Builder::new().run_interruptible(raises_at_shutdown)),
        "raises_in_a_scope" => tell(&Builder::new().run_interruptible(raises_in_a_scope)),
        "raises_when_all_is_over" => {
            tell(&Builder::new().run_interruptible(raises_when_all_is_over));
        }
        "receives" => trio::run(receives),
        "receives_one_too_many" => trio::run(receives_one_too_many),
        "keeps_a_receiver" => keeps_a_receiver(),
        "ends_when_asked" => Builder::new().grace(LONG).run(ends_when_asked),
        "ends_when_asked_with_a_value" => {
            tell(&Builder::new().grace(LONG).run_interruptible(returns_when_asked));
        }
        "goes_on_when_asked" => Builder::new().grace(LONG).run(goes_on_when_asked),
        "goes_on_beyond_its_grace" => {
            Builder::new().grace(SHORT).run(goes_on_when_asked);
        }
        "returns_beyond_its_grace" => {
            tell(&Builder::new().grace(SHORT).run_interruptible(stubborn));
        }
        "raises_and_returns_with_a_grace" => {
            tell(&Builder::new().grace(LONG).run_interruptible(raises_and_returns));
        }
        "raises_twice_and_returns_with_a_grace" => {
            tell(&Builder::new().grace(LONG).run_interruptible(raises_twice_and_returns));
        }
        "raises_when_all_is_over_with_a_grace" => {
            tell(&Builder::new().grace(LONG).run_interruptible(raises_when_all_is_over));
        }
        "lets_its_grace_pass_at_shutdown" => {
            tell(&Builder::new().grace(SHORT).run_interruptible(lets_its_grace_pass_at_shutdown));
        }
        "hello_with_a_grace" => return hello_with_a_grace::main(),
        "returns_an_error" => return returns_an_error::main(),
        "hello" => return hello::main(),
        other => panic!("there is no program `{other}`"),
    }
    println!("went on");
    ExitCode::SUCCESS
}

/// A grace that no test waits for.
const LONG: Duration = Duration::from_secs(3600);
/// One that ends, and is long enough for a task to hear that it has begun.
const SHORT: Duration = Duration::from_millis(200);

/// Sends SIGINT to this process; it has come when this returns.
fn raise() {
    kill_process(getpid(), Signal::INT).unwrap();
}

fn tell<T: Debug>(ended: &Result<T, Interrupted<T>>) {
    match ended {
        Ok(value) => println!("ended with {value:?}"),
        Err(Interrupted { value: Some(value), .. }) => println!("interrupted with {value:?}"),
        Err(Interrupted { value: None, .. }) => println!("interrupted"),
    }
}

#[trio::task]
async fn guarded(name: &str) {
    let _guard = OnDrop(|| println!("{name} dropped"));
    let clean_up = async {
        trio::sleep(Duration::from_millis(1)).await;
        println!("{name} cleaned up");
    };
    trio::finally(trio::sleep_forever, clean_up).await;
}

/// What Ctrl-C does is up to this task, until it has had enough.
#[trio::task]
async fn receives() {
    let mut signals = open_signal_receiver([signal::Signal::SIGINT]).unwrap();
    println!("ready");
    for _ in 0..2 {
        println!("{} received", signals.receive().await);
    }
    drop(signals);
    println!("enough");
    trio::sleep_forever().await;
}

/// Goes while a signal has come that was not received: the run is interrupted then.
#[trio::task]
async fn receives_one_too_many() {
    let signals = open_signal_receiver([signal::Signal::SIGINT]).unwrap();
    raise();
    checkpoint().await;
    println!("{} pending", signals.pending());
    drop(signals);
    trio::sleep_forever().await;
}

/// The receiver outlives the run. When it goes, too, Ctrl-C does what it does to any process.
fn keeps_a_receiver() {
    let receiver = trio::run(|| async {
        checkpoint().await;
        open_signal_receiver([signal::Signal::SIGINT])
    });
    raise();
    println!("still here");
    drop(receiver);
}

#[trio::task]
async fn cleans_up() {
    nursery!(|n| {
        n.spawn(guarded, "one");
        n.spawn(guarded, "two");
        wait_all_tasks_blocked().await;
        println!("ready");
        trio::sleep_forever().await;
    })
    .unwrap();
}

/// The host of a guest learns of Ctrl-C, and goes on.
fn hosts_a_guest() {
    let (sender, calls) = std::sync::mpsc::channel::<HostCall>();
    let done = Rc::new(Cell::new(false));
    let told = Rc::clone(&done);
    let run_soon = move |call| sender.send(call).unwrap();
    start_guest_run(cleans_up, run_soon, move |result| {
        println!("{}", result.unwrap_err());
        told.set(true);
    });
    while !done.get() {
        let call = calls.recv().unwrap();
        call();
    }
}

/// Only Ctrl-C can wake these, and one of them means it.
#[trio::task]
async fn sleeps_among_others() {
    let lot = ParkingLot::new();
    nursery!(|n| {
        n.spawn(trio::sleep_forever);
        n.spawn(ParkingLot::park, &lot);
        wait_all_tasks_blocked().await;
        println!("ready");
    })
    .unwrap();
}

#[trio::task(allow(long_sleep))]
async fn sleeps_for_long() {
    println!("ready");
    trio::sleep(Duration::MAX).await;
}

/// Nothing can wake it but what has come already.
#[trio::task]
async fn raises_and_hangs() {
    raise();
    hangs().await;
}

#[trio::task]
async fn hangs() {
    println!("ready");
    let _ = ParkingLot::new().park().await;
}

#[trio::task]
async fn cleans_up_forever() {
    let clean_up = async {
        println!("cleaning up");
        trio::sleep_forever().await;
    };
    println!("ready");
    trio::finally(trio::sleep_forever, clean_up).await;
}

#[trio::task]
async fn computes() {
    checkpoint().await;
    println!("ready");
    while std::hint::black_box(true) {
        std::hint::spin_loop();
    }
}

#[trio::task]
async fn raises_and_goes_on() {
    raise();
    println!("still here");
    // However many checkpoints go on without leaving the task: one of them does not.
    loop {
        checkpoint().await;
    }
}

/// Never blocks.
#[trio::task]
async fn always_runnable(name: &str) {
    let _guard = OnDrop(|| println!("{name} dropped"));
    loop {
        checkpoint().await;
    }
}

#[trio::task]
async fn checks() {
    nursery!(|n| {
        n.spawn(always_runnable, "one");
        n.spawn(always_runnable, "two");
        wait_for_turns(10).await;
        println!("ready");
    })
    .unwrap();
}

#[trio::task]
async fn wait_for_turns(count: u32) {
    for _ in 0..count {
        checkpoint().await;
    }
}

#[trio::task]
async fn shielded() {
    raise();
    trio::shield(async {
        trio::sleep(Duration::from_millis(2)).await;
        println!("the shielded part is done");
    })
    .await;
    checkpoint().await;
    println!("this must not be reached");
}

#[trio::task]
async fn prints_without_newline() {
    let _guard = OnDrop(|| print!("bye"));
    println!("ready");
    trio::sleep_forever().await;
}

#[trio::task]
async fn panics_when_cleaning_up() {
    let clean_up = async {
        checkpoint().await;
        panic!("on purpose");
    };
    println!("ready");
    trio::finally(trio::sleep_forever, clean_up).await;
}

/// Ends when its standard input does.
#[trio::task]
async fn waits_for_input() {
    println!("ready");
    wait_readable(&stdin()).await.unwrap();
    println!("done");
}

fn has_a_handler() {
    ctrlc::set_handler(|| println!("own handler")).unwrap();
    trio::run(waits_for_input);
}

#[trio::task]
async fn replaces_the_handler() {
    checkpoint().await;
    ctrlc::set_handler(|| println!("own handler")).unwrap();
    waits_for_input().await;
}

fn takes_the_handler_over() {
    trio::run(replaces_the_handler);
    println!("the run is over");
    wait_for_the_end();
}

fn runs_twice() {
    for _ in 0..2 {
        tell(&Builder::new().run_interruptible(cleans_up));
    }
    println!("no run");
    wait_for_the_end();
}

fn wait_for_the_end() -> ! {
    loop {
        std::thread::park();
    }
}

fn raises_before_main() -> Result<u32, Interrupted<u32>> {
    Builder::new().run_interruptible(|| {
        raise();
        sleeps()
    })
}

#[trio::task]
async fn sleeps() -> u32 {
    println!("main has started");
    trio::sleep_forever().await;
    0
}

#[trio::task]
async fn raises_and_returns() -> u32 {
    checkpoint().await;
    raise();
    7
}

#[trio::task]
async fn raises_at_shutdown() -> u32 {
    trio::lowlevel::spawn_system_task(system_task);
    wait_all_tasks_blocked().await;
    7
}

#[trio::task]
async fn system_task() {
    trio::finally(trio::sleep_forever, async {
        raise();
        trio::sleep(Duration::from_millis(1)).await;
    })
    .await;
}

#[trio::task]
async fn raises_in_a_scope() -> u32 {
    let scope = trio::CancelScope::new();
    scope.cancel();
    scope
        .run(async {
            raise();
            checkpoint().await;
            println!("this must not be reached");
        })
        .await;
    println!("the scope is left");
    trio::sleep_forever().await;
    7
}

struct RaisesWhenDropped;

impl Drop for RaisesWhenDropped {
    fn drop(&mut self) {
        raise();
    }
}

static LATE: RunVar<Rc<RaisesWhenDropped>> = RunVar::new("late");

#[trio::task]
async fn raises_when_all_is_over() -> u32 {
    checkpoint().await;
    LATE.set(Rc::new(RaisesWhenDropped));
    7
}

/// Completes what it is about when it is asked to stop.
#[trio::task]
async fn ends_when_asked() {
    println!("ready");
    let next = trio::until_stop(trio::sleep_forever).await;
    assert!(next.is_none() && trio::stop_requested());
    println!("asked");
    wait_readable(&stdin()).await.unwrap();
    println!("done");
}

#[trio::task]
async fn returns_when_asked() -> u32 {
    ends_when_asked().await;
    7
}

/// Hears that it is to stop, and does not; its clean-up takes for ever once its input is closed.
#[trio::task]
async fn goes_on_when_asked() {
    let _guard = OnDrop(|| println!("dropped"));
    println!("ready");
    trio::wait_for_stop().await;
    println!("asked");
    trio::finally(trio::sleep_forever, async {
        println!("cleaning up");
        wait_readable(&stdin()).await.unwrap();
        println!("cleaned up");
    })
    .await;
}

/// Returns all the same, after its grace.
#[trio::task]
async fn stubborn() -> u32 {
    println!("ready");
    trio::wait_for_stop().await;
    while trio::current_cancel_reason().is_none() {
        trio::shield(async { trio::sleep(Duration::from_millis(1)).await }).await;
    }
    7
}

#[trio::task]
async fn raises_twice_and_returns() -> u32 {
    checkpoint().await;
    raise();
    raise();
    7
}

/// The system task goes on until main's grace would be over, had main not ended by itself.
#[trio::task]
async fn lets_its_grace_pass_at_shutdown() -> u32 {
    trio::lowlevel::spawn_system_task(takes_its_time);
    wait_all_tasks_blocked().await;
    raise();
    trio::wait_for_stop().await;
    7
}

#[trio::task]
async fn takes_its_time() {
    let pause = SHORT + SHORT / 4;
    trio::finally(trio::sleep_forever, async { trio::sleep(pause).await }).await;
}

mod hello_with_a_grace {
    use super::*;

    #[trio::main(grace_seconds = 3600)]
    pub(super) async fn main() -> ExitCode {
        println!("ready");
        trio::wait_for_stop().await;
        println!("asked");
        ExitCode::from(3)
    }
}

mod returns_an_error {
    use super::*;

    #[trio::main]
    pub(super) async fn main() -> trio::Result<()> {
        println!("ready");
        trio::shield(async { wait_readable(&stdin()).await }).await?;
        Err("the disk is full")?;
        Ok(())
    }
}

mod hello {
    use super::*;

    #[trio::main]
    pub(super) async fn main() {
        let _guard = OnDrop(|| println!("dropped"));
        println!("ready");
        trio::sleep_forever().await;
    }
}
