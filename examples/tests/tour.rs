//! The tour shows what it promises.

mod programs;

use std::process::Stdio;

const TOUR: &str = env!("CARGO_BIN_EXE_tour");

fn tour() -> String {
    let output = programs::output(TOUR, &[], Stdio::null());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    text
}

/// What the tour says under a heading.
fn stop(tour: &str, heading: &str) -> String {
    let start = tour.find(heading).unwrap_or_else(|| panic!("no {heading:?} in {tour}"));
    let rest = &tour[start + heading.len()..];
    rest[..rest.find("\n== ").unwrap_or(rest.len())].to_owned()
}

#[track_caller]
fn assert_has(text: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(text.contains(wanted), "no {wanted:?} in {text}");
    }
}

#[test]
fn children_borrow_and_are_all_answered() {
    assert_has(&stop(&tour(), "Children borrow"), &[r#"["IN", "LIVE", "NURSERIES", "TASKS"]"#]);
}

#[test]
fn the_timeout_ends_the_wait_and_closes_the_connection() {
    assert_has(
        &stop(&tour(), "A timeout"),
        &["no answer within 100ms: moved on", "closed, and the server has noticed"],
    );
}

#[test]
fn the_error_tree_holds_both_errors_where_they_happened_and_no_cancellation() {
    let tour = tour();
    let tree = stop(&tour, "A child fails");
    assert_has(
        &tree,
        &[
            "1 error in the nursery of `a_failing_child` at examples/src/bin/tour.rs:",
            "└─ task `add_up` spawned at examples/src/bin/tour.rs:",
            "2 errors in the nursery of `add_up`",
            "   ├─ task `add` spawned at",
            "   └─ task `add` spawned at",
            "`SEVEN` is not a number",
            "`TWELVE` is not a number",
        ],
    );
    assert!(!tree.contains("task `ask`"), "{tree}");
}

#[test]
fn the_clean_up_talks_to_the_server_after_the_cancellation() {
    let tour = tour();
    let lines = stop(&tour, "Clean-up on cancellation");
    let lines: Vec<_> = lines.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "cancelling the child",
            "in the clean-up the server answers \"GOODBYE\"",
            "the child is finished, and so is its nursery"
        ]
    );
}

#[test]
fn the_task_tree_shows_each_task_down_to_what_it_waits_for() {
    assert_has(
        &stop(&tour(), "The tree of tasks"),
        &[
            "\ntask `main` (examples/src/bin/tour.rs:",
            "in `main`: the_task_tree(&server).await\n",
            "in `the_task_tree`: nursery, 3 children\n",
            "\n│  task `serve`",
            "\n│  │  task `answer`",
            "\n│  task `ask`",
            "in `ask`: exchange(&stream, word).await\n",
            "in `exchange`: receive_line(stream).await\n",
            "in `receive_line`: stream.receive_some(&mut buffer).await\n",
            "\n│  task `sleeper`",
            "waits for a time\n",
        ],
    );
}
