//! The pipeline counts every word once, however many take part.

mod programs;

use std::process::{Output, Stdio};

fn pipeline(arguments: &[&str]) -> Output {
    programs::output(env!("CARGO_BIN_EXE_pipeline"), arguments, Stdio::null())
}

/// What it prints: about the progress, the table, and how many books have waited.
fn counted(arguments: &[&str]) -> (String, Vec<String>, usize) {
    let output = pipeline(arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    let waited = lines.pop().unwrap();
    let waited = waited.split_whitespace().find_map(|word| word.parse().ok()).unwrap();
    let progress = lines.remove(0);
    (progress, lines, waited)
}

#[test]
fn the_words_are_the_same_however_many_count_them() {
    let (progress, table, waited) = counted(&[]);
    assert!(progress.ends_with(" of 120 books are counted"), "{progress}");
    assert_eq!(table.len(), 9);
    assert!(table[0].trim().ends_with(" the"), "{table:?}");
    assert!(table[8].ends_with(" words in all, 14 different ones"), "{table:?}");
    assert_eq!(waited, 8);
    for (consumers, buffer) in [("1", "0"), ("1", "1"), ("7", "0"), ("200", "1000")] {
        let (_, same, waited) = counted(&[consumers, buffer]);
        assert_eq!(same, table);
        assert!(waited <= buffer.parse().unwrap());
    }
}

#[test]
fn the_table_is_sorted_by_frequency() {
    let (_, table, _) = counted(&["3"]);
    let counts = table[..8].iter().map(|line| line.split_whitespace().next().unwrap().parse());
    let counts: Vec<u32> = counts.collect::<Result<_, _>>().unwrap();
    assert!(counts.is_sorted_by(|one, next| one >= next), "{counts:?}");
}

#[test]
fn what_makes_no_sense_is_explained() {
    for wrong in [&["many"][..], &["0"], &["1", "-1"], &["1", "2", "3"]] {
        let output = pipeline(wrong);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains("usage: pipeline"), "{complaint}");
    }
    let help = pipeline(&["--help"]);
    assert!(help.status.success());
    assert!(String::from_utf8(help.stdout).unwrap().starts_with("usage: pipeline"));
}
