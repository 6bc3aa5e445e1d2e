//! Groups: tasks under a prefix, alone and one group per index.

use crate::{both, square};
use ampeg::graph;

#[test]
fn groups_prefix_names_and_nest_outputs() {
    let values = both!(graph! {
        base = 2;
        left: {
            a = square(base);
            b = a + 1;
        }
        right: {
            a = left.b;
            inner: { c = a + left.a + base; };
        }
        total = left.b + right.inner.c;
    });
    assert_eq!((values.left.a, values.left.b), (4, 5));
    assert_eq!((values.right.a, values.right.inner.c), (5, 11));
    assert_eq!(values.total, 16);
}

#[test]
fn names_resolve_outward() {
    let values = both!(graph! {
        a = 1;
        b = 10;
        g: {
            a = 2;
            x = a + b;
            h: { b = 20; y = a + b + x; }
        }
        z = a + b;
    });
    assert_eq!((values.g.x, values.g.h.y, values.z), (12, 34, 11));
}
