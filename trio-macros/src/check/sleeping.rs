//! Sleeps that stand for something else: a checkpoint, an eternity, an event.

use syn::{Expr, ExprCall, ExprWhile, Lit, Stmt};

use super::paths::{self, ends_in};
use crate::attributes::bare;
use crate::levels::Levels;
use crate::report::Report;
use crate::rules;

const DAY: u128 = 24 * 60 * 60 * 1_000_000_000;

/// Reports what is odd about a loop or a call.
pub fn check(expr: &Expr, levels: &Levels, report: &mut Report) {
    match expr {
        Expr::While(expr) if is_busy_wait(expr) => {
            report.rule(levels, rules::BUSY_WAIT, &expr.while_token, &[]);
        }
        Expr::Call(call) if is_sleep(call) => match call.args.first().and_then(nanoseconds) {
            Some(0) => report.rule(levels, rules::ZERO_SLEEP, &call.args, &[]),
            Some(time) if time > DAY => report.rule(levels, rules::LONG_SLEEP, &call.args, &[]),
            _ => {}
        },
        _ => {}
    }
}

/// `while !ready() { sleep(d).await }`: a condition that others change, and nothing but waiting.
fn is_busy_wait(expr: &ExprWhile) -> bool {
    let asks = !matches!(bare(&expr.cond), Expr::Lit(_)) && !holds_let(&expr.cond);
    let [Stmt::Expr(only, _)] = expr.body.stmts.as_slice() else {
        return false;
    };
    let Expr::Await(awaited) = bare(only) else {
        return false;
    };
    let Expr::Call(call) = bare(&awaited.base) else {
        return false;
    };
    let waits = is_sleep(call) || ends_in(&paths::of(&call.func), &["checkpoint"]);
    asks && waits && !super::awaits::may_await(&expr.cond)
}

fn holds_let(condition: &Expr) -> bool {
    match bare(condition) {
        Expr::Let(_) => true,
        Expr::Binary(binary) => holds_let(&binary.left) || holds_let(&binary.right),
        _ => false,
    }
}

fn is_sleep(call: &ExprCall) -> bool {
    let names = paths::of(&call.func);
    call.args.len() == 1 && ends_in(&names, &["sleep"]) && !ends_in(&names, &["thread", "sleep"])
}

/// A duration that is written out.
fn nanoseconds(duration: &Expr) -> Option<u128> {
    let call = match bare(duration) {
        Expr::Path(_) if ends_in(&paths::of(duration), &["Duration", "ZERO"]) => return Some(0),
        Expr::Path(_) if ends_in(&paths::of(duration), &["Duration", "MAX"]) => {
            return Some(u128::MAX);
        }
        Expr::Call(call) => call,
        _ => return None,
    };
    let names = paths::of(&call.func);
    let [.., ty, constructor] = names.as_slice() else {
        return None;
    };
    if ty != "Duration" {
        return None;
    }
    let unit = match constructor.as_str() {
        "from_nanos" => 1,
        "from_micros" => 1_000,
        "from_millis" => 1_000_000,
        "from_secs" | "from_secs_f32" | "from_secs_f64" => 1_000_000_000,
        "from_mins" => 60 * 1_000_000_000,
        "from_hours" => 60 * 60 * 1_000_000_000,
        _ => return None,
    };
    let Some(Expr::Lit(number)) = call.args.first().map(bare) else {
        return None;
    };
    match &number.lit {
        Lit::Int(number) => number.base10_parse::<u128>().ok().map(|number| number * unit),
        // Parts of seconds only matter when there is nothing else.
        Lit::Float(number) => match number.base10_parse::<f64>() {
            Ok(0.0) => Some(0),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn found(expr: Expr) -> String {
        let mut report = Report::default();
        check(&expr, &Levels::default(), &mut report);
        report.warned().concat()
    }

    #[test]
    fn a_sleep_is_judged_by_its_literal() {
        let cases: [(Expr, &str); 9] = [
            (parse_quote!(trio::sleep(Duration::ZERO)), "zero_sleep"),
            (parse_quote!(sleep(std::time::Duration::from_millis(0))), "zero_sleep"),
            (parse_quote!(sleep(Duration::from_secs_f64(0.0))), "zero_sleep"),
            (parse_quote!(sleep(Duration::MAX)), "long_sleep"),
            (parse_quote!(sleep(Duration::from_secs(86_401))), "long_sleep"),
            (parse_quote!(sleep(Duration::from_secs(86_400))), ""),
            (parse_quote!(sleep(Duration::from_millis(1))), ""),
            (parse_quote!(sleep(pause)), ""),
            (parse_quote!(std::thread::sleep(Duration::ZERO)), ""),
        ];
        for (expr, expected) in cases {
            assert_eq!(found(expr), expected);
        }
    }

    #[test]
    fn asking_in_a_loop_is_found() {
        let cases: [(Expr, &str); 7] = [
            (
                parse_quote!(while !ready() {
                    trio::sleep(d).await
                }),
                "busy_wait",
            ),
            (
                parse_quote!(while count.get() < 3 {
                    checkpoint().await;
                }),
                "busy_wait",
            ),
            (
                parse_quote!(while !poll().await {
                    sleep(d).await
                }),
                "",
            ),
            (
                parse_quote!(while let Some(x) = it.next() {
                    sleep(x).await
                }),
                "",
            ),
            (
                parse_quote!(while true {
                    sleep(d).await
                }),
                "",
            ),
            (
                parse_quote!(while !ready() {
                    step().await;
                    sleep(d).await
                }),
                "",
            ),
            (
                parse_quote!(for _ in 0..3 {
                    sleep(d).await
                }),
                "",
            ),
        ];
        for (expr, expected) in cases {
            assert_eq!(found(expr), expected);
        }
    }
}
