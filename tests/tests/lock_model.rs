//! Random programs of tasks that acquire, try for, release, give up and are cancelled, in random orders
//! of scheduling, against a model that says who has the lock at each moment and who is next.
//!
//! ```text
//!            asks           admitted, in strict order          releases
//!   (none) ────────▶ queue ───────────────────────────▶ has ────────────▶ (none)
//!                      └──────── gives up ◀───────────────┘ (before it has noticed)
//! ```
//!
//! Each event is told to the model when it happens; the model knows what it must lead to, and says so
//! if it does not. More programs: `PROPTEST_CASES=100000`; others: `PROPTEST_RNG_SEED=…`.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::time::Duration;

use futures::FutureExt;
use futures::future::Either;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use trio::lowlevel::checkpoint;
use trio::sync::{
    CapacityLimiter, LimiterToken, Lock, LockGuard, Permit, ReadGuard, RwLock, Semaphore,
    WriteGuard,
};
use trio::testing::MockClock;
use trio::{Builder, CancelScope, nursery};

/// Who asks, and for what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Request {
    worker: usize,
    write: bool,
}

/// What is tested.
trait Subject: Default + 'static {
    type Guard<'a>;
    fn acquire(&self, write: bool) -> impl Future<Output = Self::Guard<'_>>;
    fn try_acquire(&self, write: bool) -> Option<Self::Guard<'_>>;
    fn tasks_waiting(&self) -> usize;
    /// Whether this request can be granted beside those.
    fn admits(having: &[Request], request: Request) -> bool;
}

impl Subject for Lock {
    type Guard<'a> = LockGuard<'a, ()>;

    async fn acquire(&self, _write: bool) -> LockGuard<'_, ()> {
        self.acquire().await
    }

    fn try_acquire(&self, _write: bool) -> Option<LockGuard<'_, ()>> {
        self.try_acquire().ok()
    }

    fn tasks_waiting(&self) -> usize {
        self.statistics().tasks_waiting
    }

    fn admits(having: &[Request], _request: Request) -> bool {
        having.is_empty()
    }
}

struct SemaphoreOfTwo(Semaphore);

impl Default for SemaphoreOfTwo {
    fn default() -> Self {
        SemaphoreOfTwo(Semaphore::with_max(2, 2))
    }
}

impl Subject for SemaphoreOfTwo {
    type Guard<'a> = Permit<'a>;

    async fn acquire(&self, _write: bool) -> Permit<'_> {
        self.0.acquire().await
    }

    fn try_acquire(&self, _write: bool) -> Option<Permit<'_>> {
        self.0.try_acquire().ok()
    }

    fn tasks_waiting(&self) -> usize {
        self.0.statistics().tasks_waiting
    }

    fn admits(having: &[Request], _request: Request) -> bool {
        having.len() < 2
    }
}

struct LimiterOfTwo(CapacityLimiter);

impl Default for LimiterOfTwo {
    fn default() -> Self {
        LimiterOfTwo(CapacityLimiter::new(2))
    }
}

impl Subject for LimiterOfTwo {
    type Guard<'a> = LimiterToken<'a>;

    async fn acquire(&self, _write: bool) -> LimiterToken<'_> {
        self.0.acquire().await
    }

    fn try_acquire(&self, _write: bool) -> Option<LimiterToken<'_>> {
        self.0.try_acquire().ok()
    }

    fn tasks_waiting(&self) -> usize {
        self.0.statistics().tasks_waiting
    }

    fn admits(having: &[Request], _request: Request) -> bool {
        having.len() < 2
    }
}

impl Subject for RwLock {
    type Guard<'a> = Either<ReadGuard<'a, ()>, WriteGuard<'a, ()>>;

    async fn acquire(&self, write: bool) -> Self::Guard<'_> {
        match write {
            true => Either::Right(self.write().await),
            false => Either::Left(self.read().await),
        }
    }

    fn try_acquire(&self, write: bool) -> Option<Self::Guard<'_>> {
        match write {
            true => self.try_write().ok().map(Either::Right),
            false => self.try_read().ok().map(Either::Left),
        }
    }

    fn tasks_waiting(&self) -> usize {
        self.statistics().tasks_waiting
    }

    fn admits(having: &[Request], request: Request) -> bool {
        match request.write {
            true => having.is_empty(),
            false => having.iter().all(|having| !having.write),
        }
    }
}

/// Who has it, and who waits for it, in order.
#[derive(Default)]
struct Model {
    having: Vec<Request>,
    queue: Vec<Request>,
}

impl Model {
    fn asks<S: Subject>(&mut self, request: Request) {
        self.queue.push(request);
        self.admit::<S>();
    }

    /// Whether it would be granted at once.
    fn is_free_for<S: Subject>(&self, request: Request) -> bool {
        self.queue.is_empty() && S::admits(&self.having, request)
    }

    /// Releases, or gives up.
    fn leaves<S: Subject>(&mut self, request: Request) {
        self.having.retain(|other| *other != request);
        self.queue.retain(|other| *other != request);
        self.admit::<S>();
    }

    fn admit<S: Subject>(&mut self) {
        while let Some(first) = self.queue.first().copied()
            && S::admits(&self.having, first)
        {
            self.having.push(self.queue.remove(0));
        }
    }
}

/// What a task does, one after the other.
#[derive(Clone, Debug)]
enum Step {
    Pause(Pause),
    /// Acquires, and holds it.
    Acquire {
        write: bool,
        how: How,
        hold: Pause,
    },
    Try {
        write: bool,
        hold: Pause,
    },
    /// Cancels what this worker is acquiring or holding.
    Cancel(usize),
}

#[derive(Clone, Copy, Debug)]
enum How {
    Await,
    /// Gives up after so many milliseconds, whether it waits or holds.
    Within(u64),
    /// Is polled by hand, and then dropped.
    PollAndDrop(Pause),
    /// Is polled by hand, and then awaited.
    PollAndAwait(Pause),
}

#[derive(Clone, Copy, Debug)]
enum Pause {
    Checkpoints(u32),
    Sleep(u64),
}

impl Pause {
    async fn take(self) {
        match self {
            Pause::Checkpoints(count) => {
                for _ in 0..count {
                    checkpoint().await;
                }
            }
            Pause::Sleep(millis) => trio::sleep(Duration::from_millis(millis)).await,
        }
    }
}

type Program = Vec<Vec<Step>>;

fn programs() -> impl Strategy<Value = Program> {
    let pause =
        || prop_oneof![(0..4_u32).prop_map(Pause::Checkpoints), (0..4_u64).prop_map(Pause::Sleep)];
    let how = prop_oneof![
        4 => Just(How::Await),
        2 => (0..6_u64).prop_map(How::Within),
        2 => pause().prop_map(How::PollAndDrop),
        1 => pause().prop_map(How::PollAndAwait),
    ];
    let step = prop_oneof![
        2 => pause().prop_map(Step::Pause),
        6 => (any::<bool>(), how, pause())
            .prop_map(|(write, how, hold)| Step::Acquire { write, how, hold }),
        1 => (any::<bool>(), pause()).prop_map(|(write, hold)| Step::Try { write, hold }),
        2 => (0..6_usize).prop_map(Step::Cancel),
    ];
    prop::collection::vec(prop::collection::vec(step, 1..8), 2..6)
}

/// One run of a program.
struct Stage<S> {
    subject: S,
    model: RefCell<Model>,
    /// What each worker can be cancelled in.
    scopes: RefCell<Vec<CancelScope>>,
    granted: Cell<usize>,
    given_up: Cell<usize>,
}

impl<S: Subject> Stage<S> {
    fn tell(&self, event: impl FnOnce(&mut Model)) {
        event(&mut self.model.borrow_mut());
    }

    /// The subject and the model must agree now.
    fn compare(&self) {
        assert_eq!(self.subject.tasks_waiting(), self.model.borrow().queue.len());
    }
}

/// A request that is not granted yet, as far as the worker knows.
struct Asking<'a, S: Subject> {
    stage: &'a Stage<S>,
    request: Request,
}

impl<'a, S: Subject> Asking<'a, S> {
    fn new(stage: &'a Stage<S>, request: Request) -> Self {
        stage.tell(|model| model.asks::<S>(request));
        Asking { stage, request }
    }

    fn granted(self, guard: S::Guard<'a>) -> Holding<'a, S> {
        let Asking { stage, request } = self;
        std::mem::forget(self);
        let having = stage.model.borrow().having.clone();
        assert!(having.contains(&request), "{request:?} is let in, not one of {having:?}");
        stage.compare();
        stage.granted.set(stage.granted.get() + 1);
        Holding { stage, request, guard: Some(guard) }
    }
}

impl<S: Subject> Drop for Asking<'_, S> {
    fn drop(&mut self) {
        self.stage.tell(|model| model.leaves::<S>(self.request));
        self.stage.compare();
        self.stage.given_up.set(self.stage.given_up.get() + 1);
    }
}

struct Holding<'a, S: Subject> {
    stage: &'a Stage<S>,
    request: Request,
    guard: Option<S::Guard<'a>>,
}

impl<S: Subject> Drop for Holding<'_, S> {
    fn drop(&mut self) {
        self.stage.tell(|model| model.leaves::<S>(self.request));
        self.guard = None;
        self.stage.compare();
    }
}

#[trio::task]
async fn acquires<S: Subject>(stage: &Stage<S>, request: Request, how: How, hold: Pause) {
    let asking = Asking::new(stage, request);
    let guard = match how {
        How::Await | How::Within(_) => stage.subject.acquire(request.write).await,
        How::PollAndDrop(pause) | How::PollAndAwait(pause) => {
            let mut future = Box::pin(stage.subject.acquire(request.write));
            match future.as_mut().now_or_never() {
                Some(guard) => guard,
                None => {
                    pause.take().await;
                    if matches!(how, How::PollAndDrop(_)) {
                        drop(future);
                        return;
                    }
                    future.await
                }
            }
        }
    };
    let _holding = asking.granted(guard);
    hold.take().await;
}

#[trio::task]
async fn follows<S: Subject>(stage: &Stage<S>, worker: usize, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Pause(pause) => pause.take().await,
            Step::Acquire { write, how, hold } => {
                let scope = match how {
                    How::Within(millis) => {
                        CancelScope::with_timeout(Duration::from_millis(*millis))
                    }
                    _ => CancelScope::new(),
                };
                stage.scopes.borrow_mut()[worker] = scope.clone();
                let request = Request { worker, write: *write };
                scope.run(async { acquires(stage, request, *how, *hold).await }).await;
            }
            Step::Try { write, hold } => {
                let request = Request { worker, write: *write };
                let free = stage.model.borrow().is_free_for::<S>(request);
                let guard = stage.subject.try_acquire(*write);
                assert_eq!(guard.is_some(), free);
                if let Some(guard) = guard {
                    let _holding = Asking::new(stage, request).granted(guard);
                    hold.take().await;
                }
            }
            Step::Cancel(worker) => {
                let scopes = stage.scopes.borrow();
                scopes[worker % scopes.len()].cancel();
            }
        }
        checkpoint().await;
    }
}

/// Says how many were granted, and how many given up.
#[trio::task]
async fn all_follow<S: Subject>(program: &Program) -> (usize, usize) {
    let scopes = program.iter().map(|_| CancelScope::new()).collect();
    let stage = Stage {
        subject: S::default(),
        model: RefCell::default(),
        scopes: RefCell::new(scopes),
        granted: Cell::new(0),
        given_up: Cell::new(0),
    };
    // A wake-up that is lost would leave everybody waiting, in virtual time.
    let done = trio::fail_after(Duration::from_secs(1000), async {
        nursery!(|n| {
            for (worker, steps) in program.iter().enumerate() {
                n.spawn(follows, &stage, worker, steps);
            }
        })
        .unwrap();
    });
    done.await.expect("somebody waits for ever");
    let model = stage.model.take();
    assert!(model.having.is_empty() && model.queue.is_empty());
    assert_eq!(stage.subject.tasks_waiting(), 0);
    assert!(stage.subject.try_acquire(true).is_some());
    (stage.granted.get(), stage.given_up.get())
}

fn check<S: Subject>() {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    // The same programs each time, unless others are asked for.
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(7);
    }
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 500;
    }
    let (granted, given_up) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(config);
    let result = runner.run(&(programs(), any::<u64>()), |(program, seed)| {
        for seed in [None, Some(seed), Some(!seed)] {
            let mut builder = Builder::new().clock(MockClock::autojump()).ignore_interrupts();
            if let Some(seed) = seed {
                builder = builder.scheduler_seed(seed);
            }
            let (more_granted, more_given_up) = builder.run(|| all_follow::<S>(&program));
            granted.set(granted.get() + more_granted);
            given_up.set(given_up.get() + more_given_up);
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    // The programs are worth something: often enough it is had, and often enough given up.
    assert!(granted.get() > 1000 && given_up.get() > 1000, "{granted:?} {given_up:?}");
}

#[test]
fn a_lock_is_had_by_those_and_in_the_order_that_the_model_says() {
    check::<Lock>();
}

#[test]
fn a_semaphore_is_had_by_those_and_in_the_order_that_the_model_says() {
    check::<SemaphoreOfTwo>();
}

#[test]
fn a_limiter_is_had_by_those_and_in_the_order_that_the_model_says() {
    check::<LimiterOfTwo>();
}

#[test]
fn a_lock_for_reading_and_writing_is_had_by_those_and_in_the_order_that_the_model_says() {
    check::<RwLock>();
}
