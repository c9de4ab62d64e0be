//! The macros: each makes a branch of every operand.

/// Runs several operations at once and gives the value of each: `let (a, b) = join!(f(1), g(&x)).await;`.
///
/// The operations are calls of task functions, `async` blocks, or any futures, up to twelve of them. Each
/// is a task of its own, which may borrow what outlives the statement, also mutably. The macro is a call,
/// which is awaited or spawned. A `Result` is a value like any other here; [`try_join!`](crate::try_join!)
/// ends with the first error. For any number of operations of one type there is
/// [`gather`](crate::gather()).
///
/// Trio has no counterpart; there it is a nursery.
///
/// # Cancellation
///
/// A checkpoint; if it is cancelled by then, nothing begins. Cancelled later, all that have not ended are
/// unwound, and what the others gave is dropped. If all end with a value all the same, the values are
/// given.
///
/// # Panics
///
/// A panic of one cancels the others, and goes on when they have ended.
///
/// ```
/// # use std::time::Duration;
/// #[trio::task]
/// async fn double(number: &u32) -> u32 {
///     trio::sleep(Duration::from_millis(1)).await;
///     2 * number
/// }
///
/// # #[trio::task] async fn example() {
/// let numbers = (1, 2);
/// let (one, two, ()) = trio::join!(
///     double(&numbers.0),
///     double(&numbers.1),
///     trio::sleep(Duration::from_millis(1)),
/// )
/// .await;
/// assert_eq!((one, two), (2, 4));
/// # }
/// # trio::run(example);
/// ```
#[macro_export]
macro_rules! join {
    () => {
        ::core::compile_error!("`join!` takes operations: `trio::join!(f(1), g(&x)).await`")
    };
    ($($operation:expr),+ $(,)?) => {
        $crate::__combined!(join: $($operation),+)
    };
}

/// Runs several operations at once until one has failed: `let (a, b) = try_join!(f(1), g(&x)).await?;`.
///
/// It is [`join!`](crate::join!) for operations that return `Result`s; what cannot fail may be among them.
/// The first error cancels the others and waits for them.
///
/// # Cancellation
///
/// As [`join!`](crate::join!).
///
/// # Errors
///
/// An [`ErrorGroup`](crate::ErrorGroup): the first error, and those of the others that have failed by the
/// time that all have ended. It tells which of them failed, and where. The values of those that have
/// succeeded are dropped.
///
/// # Panics
///
/// A panic of one cancels the others, and goes on when they have ended.
///
/// ```
/// # #[trio::task] async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
/// #     trio::lowlevel::checkpoint().await; text.parse() }
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (one, two) = trio::try_join!(parse("1"), parse("2")).await?;
/// assert_eq!((one, two), (1, 2));
/// let group = trio::try_join!(parse("1"), parse("two")).await.unwrap_err();
/// assert!(group.find::<std::num::ParseIntError>().is_some());
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[macro_export]
macro_rules! try_join {
    () => {
        ::core::compile_error!("`try_join!` takes operations: `trio::try_join!(f(1), g(&x)).await`")
    };
    ($($operation:expr),+ $(,)?) => {
        $crate::__combined!(try_join: $($operation),+)
    };
}

/// Runs several operations at once until the first of them has ended, and gives its value:
/// `let reply = race!(ask(&a), ask(&b)).await;`.
///
/// The operations return the same type. The first to end wins: the others are cancelled, and waited for,
/// with their clean-up. Each is a task of its own, which may borrow what outlives the statement, also
/// mutably.
///
/// The value of a loser that ends with one all the same, since it passes no cancellation point any more,
/// is dropped. An error is not: where the operations return a `Result`, so does the race, with an
/// [`ErrorGroup`](crate::ErrorGroup). An error fails the race whenever it comes, also that of a loser which
/// fails while it is being cancelled; then the winner's value is dropped. To race for the first success
/// instead, make the errors of the operations values, or wait for ever after one.
///
/// Trio has no counterpart; there it is a nursery that the first child cancels.
///
/// # Cancellation
///
/// A checkpoint; if it is cancelled by then, nothing begins. Cancelled before one has ended, all are
/// unwound. Once there is a winner its value is given, even if a cancellation comes while the losers are
/// waited for.
///
/// # Errors
///
/// If the operations return a `Result`: the errors that there are by the time that all have ended.
///
/// # Panics
///
/// A panic of one, of a loser too, cancels the others, and goes on when they have ended.
///
/// ```
/// # use std::time::Duration;
/// #[trio::task]
/// async fn after(seconds: u64, text: &str) -> &str {
///     trio::sleep(Duration::from_secs(seconds)).await;
///     text
/// }
///
/// # #[trio::task] async fn example() {
/// let first = trio::race!(after(0, "hare"), after(60, "tortoise")).await;
/// assert_eq!(first, "hare");
/// # }
/// # trio::run(example);
/// ```
#[macro_export]
macro_rules! race {
    () => {
        ::core::compile_error!("a race of nobody has no end: `trio::race!(f(1), g(&x)).await`")
    };
    ($($operation:expr),+ $(,)?) => {
        $crate::__combined!(race: $($operation),+)
    };
}

/// One function for each number of operands: their types show in what the compiler says.
#[doc(hidden)]
#[macro_export]
macro_rules! __combined {
    ($kind:ident: $a:expr) => {
        $crate::__private::$kind::of1($crate::__private::branch($a))
    };
    ($kind:ident: $a:expr, $b:expr) => {
        $crate::__private::$kind::of2($crate::__private::branch($a), $crate::__private::branch($b))
    };
    ($kind:ident: $a:expr, $b:expr, $c:expr) => {
        $crate::__private::$kind::of3(
            $crate::__private::branch($a),
            $crate::__private::branch($b),
            $crate::__private::branch($c),
        )
    };
    ($kind:ident: $a:expr, $b:expr, $c:expr, $d:expr) => {
        $crate::__private::$kind::of4(
            $crate::__private::branch($a),
            $crate::__private::branch($b),
            $crate::__private::branch($c),
            $crate::__private::branch($d),
        )
    };
    ($kind:ident: $a:expr, $b:expr, $c:expr, $d:expr, $e:expr) => {
        $crate::__private::$kind::of5(
            $crate::__private::branch($a),
            $crate::__private::branch($b),
            $crate::__private::branch($c),
            $crate::__private::branch($d),
            $crate::__private::branch($e),
        )
    };
    ($kind:ident: $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr) => {
        $crate::__private::$kind::of6(
            $crate::__private::branch($a),
            $crate::__private::branch($b),
            $crate::__private::branch($c),
            $crate::__private::branch($d),
            $crate::__private::branch($e),
            $crate::__private::branch($f),
        )
    };
    ($kind:ident: $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $g:expr) => {
        $crate::__private::$kind::of7(
            $crate::__private::branch($a),
            $crate::__private::branch($b),
            $crate::__private::branch($c),
            $crate::__private::branch($d),
            $crate::__private::branch($e),
            $crate::__private::branch($f),
            $crate::__private::branch($g),
        )
    };
    ($kind:ident: $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $g:expr, $h:expr) => {
        $crate::__private::$kind::of8(
            $crate::__private::branch($a),
            $crate::__private::branch($b),
            $crate::__private::branch($c),
            $crate::__private::branch($d),
            $crate::__private::branch($e),
            $crate::__private::branch($f),
            $crate::__private::branch($g),
            $crate::__private::branch($h),
        )
    };
    ($kind:ident: $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $g:expr, $h:expr, $i:expr) => {
        $crate::__private::$kind::of9(
            $crate::__private::branch($a),
            $crate::__private::branch($b),
            $crate::__private::branch($c),
            $crate::__private::branch($d),
            $crate::__private::branch($e),
            $crate::__private::branch($f),
            $crate::__private::branch($g),
            $crate::__private::branch($h),
            $crate::__private::branch($i),
        )
    };
    ($kind:ident: $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $g:expr, $h:expr, $i:expr, $j:expr) => {
        $crate::__private::$kind::of10(
            $crate::__private::branch($a),
            $crate::__private::branch($b),
            $crate::__private::branch($c),
            $crate::__private::branch($d),
            $crate::__private::branch($e),
            $crate::__private::branch($f),
            $crate::__private::branch($g),
            $crate::__private::branch($h),
            $crate::__private::branch($i),
            $crate::__private::branch($j),
        )
    };
    ($kind:ident: $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $g:expr, $h:expr, $i:expr, $j:expr, $k:expr) => {
        $crate::__private::$kind::of11(
            $crate::__private::branch($a),
            $crate::__private::branch($b),
            $crate::__private::branch($c),
            $crate::__private::branch($d),
            $crate::__private::branch($e),
            $crate::__private::branch($f),
            $crate::__private::branch($g),
            $crate::__private::branch($h),
            $crate::__private::branch($i),
            $crate::__private::branch($j),
            $crate::__private::branch($k),
        )
    };
    ($kind:ident: $a:expr, $b:expr, $c:expr, $d:expr, $e:expr, $f:expr, $g:expr, $h:expr, $i:expr, $j:expr, $k:expr, $l:expr) => {
        $crate::__private::$kind::of12(
            $crate::__private::branch($a),
            $crate::__private::branch($b),
            $crate::__private::branch($c),
            $crate::__private::branch($d),
            $crate::__private::branch($e),
            $crate::__private::branch($f),
            $crate::__private::branch($g),
            $crate::__private::branch($h),
            $crate::__private::branch($i),
            $crate::__private::branch($j),
            $crate::__private::branch($k),
            $crate::__private::branch($l),
        )
    };
    ($kind:ident: $($operation:expr),+) => {
        ::core::compile_error!(
            "this takes up to twelve operations; for more, or for any number of one \
            kind, there are `trio::gather`, `trio::try_gather` and `nursery!`"
        )
    };
}
