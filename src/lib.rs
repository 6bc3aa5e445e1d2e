//! Declare a graph of dependent computations inline; run it in parallel worker processes.

extern crate self as ampeg;

pub use ampeg_macros::graph;
pub use ampeg_runtime::*;

#[doc(hidden)]
pub mod __private {
    //! What generated code names. Not public: it changes without notice.

    pub use ampeg_runtime::generated::*;
}
