//! `TRYBUILD=overwrite cargo test -p ui-tests` writes the expected output anew. Read it then, as
//! someone who has never seen Trio.

#[test]
fn rules() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("fail/*/*.rs");
    cases.pass("pass/*/*.rs");
}
