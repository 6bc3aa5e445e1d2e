//! HEFT: order by upward rank, place by earliest finish.

use super::placer::{Placement, Placer};
use super::problem::Problem;
use super::rank::{order_by, upward_ranks};

/// Places every task on the processor where it finishes earliest, in order of upward rank.
///
/// Ties go to the smaller task id, and to the smaller processor id. Takes O(n log n + e + n·p) time for n tasks, e
/// dependencies and p processors, except for the search for gaps.
///
/// # Source
///
/// Topcuoglu, Hariri and Wu, "Performance-effective and low-complexity task scheduling for heterogeneous computing", IEEE TPDS 13(3), 2002.
pub(super) fn heft(problem: &Problem<'_>) -> Vec<Placement> {
    let ranks = upward_ranks(problem, 1.0);
    let mut placer = Placer::new(problem);
    placer.place_all_earliest(&order_by(problem, &ranks));
    placer.placements
}
