//! The text of a graph as a tree: what was written, before any name is looked up.

use proc_macro2::{Span, TokenStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, Ident, Path, Signature, Token, Type, Visibility};

/// `/// doc  #[derive(…)] pub fn name(parameters) -> Values { … }`
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) name: Ident,
    /// The struct of the values, with the parameters that it has.
    pub(crate) values: Path,
    /// The statements.
    pub(crate) body: TokenStream,
}

/// A statement, or statements under a prefix.
#[derive(Debug)]
pub(crate) enum Item {
    Statement(Box<Statement>),
    Group(Group),
}

/// `/// doc  name[index]: { … }`
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) indices: Vec<Index>,
    pub(crate) items: Vec<Item>,
}

/// One of the indices in the brackets after a name.
#[derive(Debug)]
pub(crate) enum Index {
    /// `i in range`: a task for each.
    Each { name: Ident, range: Expr },
    /// `expression`: one task.
    Only(Expr),
}

/// `/// doc  pub name[index]: Type = body @ cost via comm within duration retry count;`
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) docs: Vec<Attribute>,
    pub(crate) visibility: Option<Token![pub]>,
    pub(crate) name: Ident,
    pub(crate) indices: Vec<Index>,
    pub(crate) ty: Option<Type>,
    /// What the task computes; `None` where it could not be parsed, which has been reported.
    pub(crate) body: Option<Expr>,
    /// The text of the body as it was written.
    pub(crate) source: String,
    pub(crate) clauses: Clauses,
}

/// What may follow a body, each at most once, in any order.
#[derive(Debug, Default)]
pub(crate) struct Clauses {
    pub(crate) cost: Option<Clause<Expr>>,
    pub(crate) via: Option<Clause<Via>>,
    pub(crate) within: Option<Clause<Expr>>,
    pub(crate) retry: Option<Clause<Expr>>,
}

/// The operand of a clause, and where its keyword stands.
#[derive(Debug)]
pub(crate) struct Clause<T> {
    pub(crate) keyword: Span,
    pub(crate) operand: T,
}

/// What moving the dependencies of a task costs.
#[derive(Debug)]
pub(crate) enum Via {
    /// `via 1`: the same for each.
    All(Box<Expr>),
    /// `via { a: 1, left.b: 2.5 }`: nothing for those that are not named.
    Each(Vec<(Dependency, Expr)>),
}

/// A task as `via` names it, without indices: `a`, `left.b`.
pub(crate) type Dependency = Punctuated<Ident, Token![.]>;

/// The words that begin a clause, besides `@`.
pub(crate) const CLAUSE_WORDS: [&str; 3] = ["via", "within", "retry"];

/// A name as a user reads it: `type` for `r#type`.
pub(crate) fn name_of(ident: &Ident) -> String {
    use syn::ext::IdentExt;
    ident.unraw().to_string()
}

/// A number that stands for a name where only a number may stand: a parameter of a trait.
///
/// It is FNV-1a, since both who derives a struct and who uses it must find the same.
pub(crate) fn hash_of(ident: &Ident) -> u64 {
    let name = name_of(ident);
    let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// A path as a user reads it: `left.b`.
pub(crate) fn path_of<'a>(path: impl IntoIterator<Item = &'a Ident>) -> String {
    let names: Vec<String> = path.into_iter().map(name_of).collect();
    names.join(".")
}
