//! What `ui-tests` shows, where the edition of the caller could make a difference.

#[test]
fn rules() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("fail/*/*.rs");
    cases.pass("pass/*/*.rs");
}
