//! Numbers that the macro and the runtime must agree on, though neither depends on the other.

use crate::check::LARGEST;
use crate::expand::unindexed;
use ampeg::__private::EvaluatedCosts;
use ampeg::Cost;

#[test]
fn costs_mean_the_same_in_generated_code_and_in_the_runtime() {
    let written = [unindexed::NEXT, unindexed::AGAIN, unindexed::UNWRITTEN];
    assert_eq!(
        written,
        [
            EvaluatedCosts::NEXT,
            EvaluatedCosts::AGAIN,
            EvaluatedCosts::UNWRITTEN
        ]
    );
    assert_eq!(LARGEST, Cost::MAX.value());
}
