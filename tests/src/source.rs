//! Finding the lines of a test's own source, so that it need not be counted by hand.

/// The number of the one line that ends with `// {mark}`.
#[track_caller]
pub fn line_of(source: &str, mark: &str) -> u32 {
    let mark = format!("// {mark}");
    let mut lines = source.lines().zip(1..).filter(|(line, _)| line.ends_with(&mark));
    let (_, number) = lines.next().unwrap_or_else(|| panic!("no line ends with `{mark}`"));
    assert!(lines.next().is_none(), "more than one line ends with `{mark}`");
    number
}
