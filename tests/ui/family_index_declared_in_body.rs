use ampeg::graph;

const K: usize = 0;

fn f() -> usize {
    0
}

mod n {
    pub const L: usize = 2;
}

fn main() {
    graph! {
        part[i in 0..3] = i;
        constant = { const K: usize = 2; part[K] };
        function = { fn f() -> usize { 2 } part[..=f()].len() };
        imported = { use n::L; part[L] };
        perhaps = { use n::*; part[K] };
        outside = part[K] + part[f()];
    };
}
