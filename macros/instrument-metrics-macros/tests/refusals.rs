//! What the attribute refuses, and in which words: one file beside its `.stderr` for each.

#[test]
fn refusals() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
