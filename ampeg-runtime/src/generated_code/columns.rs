//! Groups with indices: from one list for each task of a group to one row for each index.

use std::vec;

/// Lists of equal length, in nested tuples.
pub trait Columns {
    /// What is left of them.
    type Rows: Rows;

    /// What takes one row after the other.
    fn rows(self) -> Self::Rows;
}

/// What is left of lists of equal length.
pub trait Rows {
    /// One item of each list, nested alike.
    type Row;

    /// The next row, while there is one.
    fn next_row(&mut self) -> Option<Self::Row>;
}

impl<T> Columns for Vec<T> {
    type Rows = vec::IntoIter<T>;

    fn rows(self) -> Self::Rows {
        self.into_iter()
    }
}

impl<T> Rows for vec::IntoIter<T> {
    type Row = T;

    fn next_row(&mut self) -> Option<T> {
        self.next()
    }
}

/// One row for each index, of one list for each field.
pub fn transpose<C: Columns>(columns: C) -> Vec<<C::Rows as Rows>::Row> {
    let mut rows = columns.rows();
    std::iter::from_fn(|| rows.next_row()).collect()
}

macro_rules! tuples {
    ($first:ident $($rest:ident)*) => {
        impl<$first: Columns, $($rest: Columns),*> Columns for ($first, $($rest,)*) {
            type Rows = ($first::Rows, $($rest::Rows,)*);

            fn rows(self) -> Self::Rows {
                #[allow(non_snake_case, reason = "each item is named as its type")]
                let ($first, $($rest,)*) = self;
                ($first.rows(), $($rest.rows(),)*)
            }
        }

        impl<$first: Rows, $($rest: Rows),*> Rows for ($first, $($rest,)*) {
            type Row = ($first::Row, $($rest::Row,)*);

            fn next_row(&mut self) -> Option<Self::Row> {
                #[allow(non_snake_case, reason = "each item is named as its type")]
                let ($first, $($rest,)*) = self;
                Some(($first.next_row()?, $($rest.next_row()?,)*))
            }
        }

        tuples! { $($rest)* }
    };
    () => {};
}

tuples! { A B C D E F G H I J K L }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        let columns = (vec![1, 2], (vec!["a", "b"],), vec![vec![3], vec![]]);
        let rows = [(1, ("a",), vec![3]), (2, ("b",), vec![])];
        assert_eq!(transpose(columns), rows);
        assert!(transpose((Vec::<u8>::new(), Vec::<u8>::new())).is_empty());
    }
}
