//! The graph as the scheduler sees it.

use std::fmt;

#[derive(Debug)]
pub(crate) enum GraphErrorKind {}

impl fmt::Display for GraphErrorKind {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}
