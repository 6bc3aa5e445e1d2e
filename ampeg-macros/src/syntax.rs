//! The syntax tree of a graph, before any name is resolved.

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

/// A statement, or a group of statements with a prefix.
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
    /// The expression that the task evaluates; `None` if it could not be parsed, which has been reported.
    pub(crate) body: Option<Expr>,
    /// The text of the body as it was written.
    pub(crate) source: String,
    pub(crate) clauses: Clauses,
}

/// The clauses after a body: each at most once, in any order.
#[derive(Debug, Default)]
pub(crate) struct Clauses {
    pub(crate) cost: Option<Clause<Expr>>,
    pub(crate) via: Option<Clause<Via>>,
    pub(crate) within: Option<Clause<Expr>>,
    pub(crate) retry: Option<Clause<Expr>>,
}

/// The operand of a clause, and the place of its keyword.
#[derive(Debug)]
pub(crate) struct Clause<T> {
    pub(crate) keyword: Span,
    pub(crate) operand: T,
}

/// The costs of moving the inputs of a task.
#[derive(Debug)]
pub(crate) enum Via {
    /// `via 1`: one cost for each input.
    All(Box<Expr>),
    /// `via { a: 1, left.b: 2.5 }`: inputs that are not named cost nothing.
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

/// A number for a name, for traits whose parameter can only be a number.
///
/// FNV-1a, since the crate that derives a struct and the crate that uses it must compute the same number.
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
