//! The harness of the benchmarks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use benches::machine::{Machine, version};
use benches::measure::{Measurement, takes_part};
use benches::statistics::{quantile, quantiles};
use benches::table::{Amount, Times};
use benches::{Contender, Options, Row, Summary, Unit, Workload, json, markdown, measure, table};

fn options(arguments: &[&str]) -> Options {
    parse(arguments).expect("they are right")
}

fn parse(arguments: &[&str]) -> Result<Options, String> {
    Options::parse(arguments.iter().map(|&argument| argument.to_owned()))
}

fn row(results: &[(&'static str, &[f64])]) -> Row {
    Row {
        name: "yield".into(),
        group: "Yielding",
        unit: Unit::Nanos,
        size: None,
        results: results
            .iter()
            .map(|&(peer, rounds)| Measurement { peer, rounds: rounds.to_vec() })
            .collect(),
    }
}

fn machine() -> Machine {
    Machine {
        processor: "A processor".into(),
        threads: 2,
        memory: 23.6,
        kernel: "Linux 6".into(),
        rustc: "rustc 1.95.0".into(),
        commit: Some("abc".into()),
        date: "2026-01-02 03:04 UTC".into(),
        peers: vec![("tokio", "1.2.3".into())],
    }
}

// Statistics

#[test]
fn a_quantile_is_the_nearest_value_that_there_is() {
    let values: Vec<f64> = (0..=100).map(f64::from).collect();
    assert_eq!(quantile(&values, 0.5), 50.0);
    assert_eq!(quantile(&values, 0.99), 99.0);
    assert_eq!(quantile(&values, 0.0), 0.0);
    assert_eq!(quantile(&[7.0], 0.99), 7.0);
}

#[test]
fn quantiles_are_those_of_the_sorted_values() {
    assert_eq!(quantiles(vec![3.0, 1.0, 2.0], &[0.0, 0.5, 1.0]), [1.0, 2.0, 3.0]);
}

#[test]
fn a_summary_is_the_median_and_the_quartiles() {
    let summary = Summary::of(&[5.0, 1.0, 4.0, 2.0, 3.0]);
    assert_eq!(summary, Summary { lower: 2.0, median: 3.0, upper: 4.0 });
}

// The command line

#[test]
fn without_a_filter_everything_is_picked() {
    assert!(options(&["--bench"]).picks("Yielding", "self-wake"));
}

#[test]
fn a_filter_is_a_part_of_the_name_or_the_group_in_any_case() {
    let options = options(&["yield", "Lock"]);
    assert!(options.picks("Yielding", "self-wake"));
    assert!(options.picks("Locks", "contended"));
    assert!(options.picks("Others", "many locks"));
    assert!(!options.picks("Spawning", "spawn"));
}

#[test]
fn a_filter_that_spans_group_and_name_picks_one() {
    let options = options(&["memory: a task"]);
    assert!(options.picks("Memory", "a task that sleeps"));
    assert!(!options.picks("Memory", "a deadline"));
}

#[test]
fn the_peers_that_take_part_can_be_named() {
    let options = options(&["--peers", "trio,tokio LocalSet"]);
    assert!(options.takes_part("tokio LocalSet"));
    assert!(!options.takes_part("smol"));
}

#[test]
fn quick_is_fewer_and_shorter_rounds() {
    let (quick, usual) = (options(&["--quick"]), options(&[]));
    assert!(quick.round < usual.round);
    assert!(quick.rounds(Duration::ZERO) < usual.rounds(Duration::ZERO));
    assert_eq!(quick.rounds(Duration::from_secs(9)), 1);
}

#[test]
fn an_option_that_there_is_not_is_an_error() {
    assert_eq!(parse(&["--fast"]).unwrap_err(), "--fast: there is no such option");
}

#[test]
fn once_takes_a_workload_a_peer_and_a_number() {
    let options = options(&["--once", "echo", "trio", "100"]);
    assert_eq!(options.once, Some(("echo".into(), "trio".into(), 100)));
    assert!(parse(&["--once", "echo"]).is_err());
    assert!(parse(&["--once", "echo", "trio", "many"]).is_err());
}

#[test]
fn the_tables_of_the_documentation_are_not_written_by_halves() {
    assert!(parse(&["--markdown", "echo"]).is_err());
    assert!(parse(&["--markdown", "--peers", "trio"]).is_err());
    assert!(options(&["--markdown", "--quick"]).markdown);
}

// Measuring

#[test]
fn contenders_are_measured_by_turns_and_another_one_first_each_time() {
    let calls = Rc::new(RefCell::new(Vec::new()));
    let note = |name: &'static str| {
        let calls = Rc::clone(&calls);
        move |operations: u32| {
            calls.borrow_mut().push((name, operations));
            f64::from(operations)
        }
    };
    let workload = Workload::new("group", "work")
        .operations(5)
        .contender("trio", note("trio"))
        .contender("other", note("other"));
    let all = Options { rounds: 3..=3, ..options(&[]) };
    let rows = measure(&workload, &all);
    assert_eq!(rows[0].results[0].rounds, [5.0; 3]);
    assert_eq!(rows[0].results[1].rounds, [5.0; 3]);
    let calls = calls.borrow();
    assert!(calls.iter().all(|&(_, operations)| operations == 5));
    let names: Vec<&str> = calls.iter().map(|call| call.0).collect();
    let warm_up = ["trio", "other"];
    let rounds = ["trio", "other", "other", "trio", "trio", "other"];
    assert_eq!(names, [&warm_up[..], &rounds[..]].concat());
}

#[test]
fn the_number_of_operations_follows_from_the_time_and_is_a_multiple_of_the_step() {
    let most = Rc::new(RefCell::new(0));
    let noted = Rc::clone(&most);
    let workload =
        Workload::new("group", "work").step(7).contender("trio", move |operations: u32| {
            assert_eq!(operations % 7, 0);
            *noted.borrow_mut() = operations;
            Duration::from_nanos(100) * operations
        });
    let options = Options { round: Duration::from_secs(9), ..options(&[]) };
    let rows = measure(&workload, &options);
    assert_eq!(rows[0].median("trio"), Some(100.0));
    let round = Duration::from_nanos(100) * *most.borrow();
    assert!(round >= options.round / 2 && round <= options.round * 2, "{round:?}");
}

#[test]
fn a_machine_that_stalls_once_does_not_cut_the_rounds_short() {
    let (has_stalled, last) = (Cell::new(false), Rc::new(Cell::new(0)));
    let noted = Rc::clone(&last);
    let work = move |operations: u32| {
        noted.set(operations);
        let stall = if has_stalled.replace(true) { 0 } else { 99 };
        Duration::from_secs(stall) + Duration::from_nanos(100) * operations
    };
    let workload = Workload::new("group", "work").contender("trio", work);
    measure(&workload, &Options { round: Duration::from_secs(9), ..options(&[]) });
    assert!(last.get() >= 45_000_000, "{}", last.get());
}

#[test]
fn there_is_a_row_for_each_figure() {
    let workload = Workload::new("group", "late")
        .operations(1)
        .figures(&["p50", "p99"])
        .contender("trio", |_| vec![1.0, 2.0]);
    let rows = measure(&workload, &options(&["--quick"]));
    let found: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.median("trio"))).collect();
    assert_eq!(found, [("late: p50", Some(1.0)), ("late: p99", Some(2.0))]);
}

#[test]
fn one_that_paces_itself_is_not_asked_for_more_and_more() {
    let mut workload = Workload::new("group", "work");
    let work = Box::new(|operations| {
        assert_eq!(operations, 1);
        vec![1.0]
    });
    workload.contenders.push(Contender { peer: "python", work, paces_itself: true });
    assert_eq!(measure(&workload, &options(&["--quick"]))[0].median("python"), Some(1.0));
}

#[test]
fn a_peer_that_does_not_take_part_is_not_run() {
    let workload = Workload::new("group", "work")
        .operations(1)
        .contender("trio", |_| 1.0)
        .contender("other", |_| -> f64 { unreachable!("it was left out") });
    let rows = measure(&workload, &options(&["--quick", "--peers", "trio"]));
    assert_eq!(rows[0].results.len(), 1);
}

#[test]
#[should_panic(expected = "nothing fails")]
fn work_that_fails_is_no_measurement() {
    let workload = Workload::new("group", "work").contender("trio", |_| Err::<(), _>("it fails"));
    measure(&workload, &options(&["--quick"]));
}

#[test]
fn a_slow_contender_takes_part_in_some_rounds_that_are_spread_evenly() {
    let of_twelve: Vec<usize> = (0..12).filter(|&round| takes_part(round, 12, 3)).collect();
    assert_eq!(of_twelve, [3, 7, 11]);
    assert!((0..12).all(|round| takes_part(round, 12, 12)));
}

// Reports

#[test]
fn ratios_are_to_ours_and_the_fastest_peer_is_one_of_the_others() {
    let row = row(&[("trio", &[10.0]), ("tokio", &[40.0]), ("smol", &[25.0])]);
    assert_eq!(row.ratio("tokio"), Some(4.0));
    assert_eq!(row.ratio("monoio"), None);
    assert_eq!(row.fastest_peer(), Some("smol"));
}

#[test]
fn amounts_have_three_digits_and_a_fitting_unit() {
    let nanos = |value| Amount(value, Unit::Nanos).to_string();
    assert_eq!(nanos(4.567), "4.57 ns");
    assert_eq!(nanos(45.67), "45.7 ns");
    assert_eq!(nanos(999.4), "999 ns");
    assert_eq!(nanos(999.6), "1.00 µs");
    assert_eq!(nanos(12_345.0), "12.3 µs");
    assert_eq!(nanos(2.5e9), "2.50 s");
    assert_eq!(Amount(1234.4, Unit::Bytes).to_string(), "1234 B");
    assert_eq!(Times(0.5).to_string(), "0.50x");
}

#[test]
fn a_row_is_a_line_for_each_contender() {
    let text = table::lines(&row(&[("trio", &[10.0, 11.0, 12.0]), ("tokio", &[44.0])]));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "yield");
    assert_eq!(lines[1], "  trio                      11.0 ns   11.0 ns – 12.0 ns");
    assert!(lines[2].ends_with("     4.00x  the least of the peers"), "{}", lines[2]);
}

#[test]
fn the_file_for_machines_has_all_rounds_and_where_they_come_from() {
    let rows = [row(&[("trio", &[10.0, 12.0, 11.0]), ("tokio", &[44.0])])];
    let document = json::document(&rows, &machine(), &options(&["--quick"]));
    assert_eq!(document["date"], "2026-01-02 03:04 UTC");
    assert_eq!(document["quick"], true);
    assert_eq!(document["machine"]["kernel"], "Linux 6");
    assert_eq!(document["rustc"], "rustc 1.95.0");
    assert_eq!(document["versions"]["tokio"], "1.2.3");
    let workload = &document["workloads"][0];
    assert_eq!(workload["unit"], "ns");
    assert_eq!(workload["least_of_the_peers"], "tokio");
    let [trio, tokio] = [0, 1].map(|index| &workload["contenders"][index]);
    assert_eq!(trio["median"], 11.0);
    assert_eq!(trio["rounds"].as_array().map(Vec::len), Some(3));
    assert!(trio["to_trio"].is_null());
    assert_eq!(tokio["to_trio"], 4.0);
}

#[test]
fn a_table_has_a_column_for_each_peer_that_takes_part() {
    let rows = [row(&[("trio", &[10.0]), ("tokio", &[40.0]), ("smol", &[25.0])])];
    let text = markdown::tables(&rows, &machine(), true);
    assert!(
        text.starts_with("Measured with `--quick` 2026-01-02 03:04 UTC at abc, on A processor")
    );
    assert!(text.contains("| | trio | tokio | smol | to the least of them |\n"), "{text}");
    let line = "| yield | 10.0 ns | 40.0 ns, 4.00x | 25.0 ns, 2.50x | **2.50x** smol |\n";
    assert!(text.contains(line), "{text}");
    assert!(!text.contains("## Growth"));
}

#[test]
fn the_columns_are_in_the_order_of_the_workload_that_has_the_most_of_them() {
    let few = row(&[("trio", &[10.0]), ("python", &[90.0])]);
    let rows = [few, row(&[("trio", &[10.0]), ("smol", &[25.0]), ("python", &[90.0])])];
    let text = markdown::tables(&rows, &machine(), false);
    assert!(text.contains("| | trio | smol | python | to the least of them |\n"), "{text}");
    assert!(text.contains("| yield | 10.0 ns |  | 90.0 ns, 9.00x |"), "{text}");
}

#[test]
fn sizes_of_a_family_are_a_table_of_what_grows() {
    let rows: Vec<Row> = [(100, 10.0), (1_000_000, 15.0)]
        .map(|(size, nanos)| Row { size: Some(("tasks", size)), ..row(&[("trio", &[nanos])]) })
        .into();
    let text = markdown::tables(&rows, &machine(), false);
    assert!(text.contains("| tasks | 100 | 1,000,000 | most to least |\n"), "{text}");
    assert!(text.contains("| trio | 10.0 ns | 15.0 ns | 1.50x |\n"), "{text}");
}

#[test]
fn new_tables_replace_the_old_ones_and_nothing_else() {
    let document = include_str!("../../docs/benchmarks.md");
    let once = markdown::replace(document, "| a table |").expect("it says where they are");
    let twice = markdown::replace(&once, "| another |").expect("it still does");
    assert!(once.contains("\n| a table |\n") && !twice.contains("| a table |"));
    assert_eq!(twice.replace("| another |", "| a table |"), once);
    assert_eq!(document.lines().next(), twice.lines().next());
    assert!(markdown::replace("no place", "").is_err());
}

#[test]
fn versions_are_those_that_the_workspace_is_locked_to() {
    assert_eq!(version("trio"), env!("CARGO_PKG_VERSION"));
    assert_eq!(version("no-such-package"), "unknown");
}
