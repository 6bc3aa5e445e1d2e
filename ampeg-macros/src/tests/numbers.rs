//! Numbers that the macro and the runtime must agree on, though neither depends on the other.

use crate::check::LARGEST;
use crate::expand::plain;
use ampeg::__private::Told;
use ampeg::Cost;

#[test]
fn costs_mean_the_same_in_generated_code_and_in_the_runtime() {
    let written = [plain::NEXT, plain::AGAIN, plain::UNWRITTEN];
    assert_eq!(written, [Told::NEXT, Told::AGAIN, Told::UNWRITTEN]);
    assert_eq!(LARGEST, Cost::MAX.value());
}
