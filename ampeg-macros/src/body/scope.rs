//! Which names a body binds itself, and from where to where: blocks, patterns, items.
//!
//! It follows rustc's rules for local names; what is not bound here means a task, a capture, or something outside.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::HashSet;
use syn::{Block, Fields, Ident, Item, Pat, Stmt, UseTree};

/// The names bound around one place in a body, innermost scope last.
#[derive(Debug, Default)]
pub(super) struct Scope {
    frames: Vec<Frame>,
}

/// What one block, arm or closure binds.
#[derive(Debug, Default)]
struct Frame {
    /// Variables, functions, constants: what may stand for a value alone.
    values: HashSet<String>,
    /// Types and modules.
    others: HashSet<String>,
    /// Whether it imports whatever a module holds.
    has_glob: bool,
}

impl Scope {
    pub(super) fn enter(&mut self) {
        self.frames.push(Frame::default());
    }

    pub(super) fn leave(&mut self) {
        self.frames.pop();
    }

    pub(super) fn binds(&self, name: &str) -> bool {
        self.frames.iter().any(|frame| frame.values.contains(name))
    }

    /// Whether a path or type may name an item that the body declares or imports.
    pub(super) fn may_hold(&self, path: &TokenStream) -> bool {
        let holds = |name: &str| {
            let mut frames = self.frames.iter();
            frames.any(|frame| frame.values.contains(name) || frame.others.contains(name))
        };
        self.frames.iter().any(|frame| frame.has_glob) || any_name(path, &holds)
    }

    fn bind(&mut self, ident: &Ident) {
        if let Some(frame) = self.frames.last_mut() {
            frame.values.insert(ident.to_string());
        }
    }

    fn bind_other(&mut self, ident: &Ident) {
        if let Some(frame) = self.frames.last_mut() {
            frame.others.insert(ident.to_string());
        }
    }

    /// Binds what a pattern binds, in the innermost scope.
    ///
    /// A name that stands for a constant or a unit struct is bound too: it cannot be told from a variable,
    /// and nothing outside the body is meant by it either way.
    pub(super) fn bind_pattern(&mut self, pattern: &Pat) {
        match pattern {
            Pat::Ident(pattern) => {
                self.bind(&pattern.ident);
                if let Some((_, inner)) = &pattern.subpat {
                    self.bind_pattern(inner);
                }
            }
            Pat::Guard(pattern) => self.bind_pattern(&pattern.pat),
            Pat::Or(pattern) => self.bind_patterns(&pattern.cases),
            Pat::Paren(pattern) => self.bind_pattern(&pattern.pat),
            Pat::Reference(pattern) => self.bind_pattern(&pattern.pat),
            Pat::Slice(pattern) => self.bind_patterns(&pattern.elems),
            Pat::Struct(pattern) => {
                self.bind_patterns(pattern.fields.iter().map(|field| &*field.pat));
            }
            Pat::Tuple(pattern) => self.bind_patterns(&pattern.elems),
            Pat::TupleStruct(pattern) => self.bind_patterns(&pattern.elems),
            Pat::Type(pattern) => self.bind_pattern(&pattern.pat),
            _ => {}
        }
    }

    fn bind_patterns<'a>(&mut self, patterns: impl IntoIterator<Item = &'a Pat>) {
        for pattern in patterns {
            self.bind_pattern(pattern);
        }
    }

    /// Binds the items of a block, which hold in all of it, before their own text too.
    pub(super) fn bind_items(&mut self, block: &Block) {
        for statement in &block.stmts {
            match statement {
                Stmt::Item(Item::Fn(item)) => self.bind(&item.sig.ident),
                Stmt::Item(Item::Const(item)) => self.bind(&item.ident),
                Stmt::Item(Item::Static(item)) => self.bind(&item.ident),
                Stmt::Item(Item::Struct(item)) if !matches!(item.fields, Fields::Named(_)) => {
                    self.bind(&item.ident);
                }
                Stmt::Item(Item::Struct(item)) => self.bind_other(&item.ident),
                Stmt::Item(Item::Enum(item)) => self.bind_other(&item.ident),
                Stmt::Item(Item::Union(item)) => self.bind_other(&item.ident),
                Stmt::Item(Item::Type(item)) => self.bind_other(&item.ident),
                Stmt::Item(Item::Trait(item)) => self.bind_other(&item.ident),
                Stmt::Item(Item::Mod(item)) => self.bind_other(&item.ident),
                Stmt::Item(Item::Use(item)) => self.bind_use(&item.tree),
                _ => {}
            }
        }
    }

    /// Binds the names that the statements of a nested `graph!` declare: tasks, groups and indices.
    pub(super) fn bind_statements(&mut self, tokens: &TokenStream) {
        let (mut begins, mut after_colon) = (true, false);
        let mut trees = tokens.clone().into_iter().peekable();
        while let Some(tree) = trees.next() {
            let is_group = after_colon;
            after_colon = matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == ':');
            if let (TokenTree::Ident(ident), true) = (&tree, begins) {
                let mut next = trees.peek();
                let brackets = match next {
                    Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => {
                        Some(group.stream())
                    }
                    _ => None,
                };
                if let Some(indices) = brackets {
                    self.bind_indices(indices);
                    trees.next();
                    next = trees.peek();
                }
                if matches!(next, Some(TokenTree::Punct(punct)) if matches!(punct.as_char(), '=' | ':'))
                {
                    self.bind(ident);
                }
            }
            begins = match &tree {
                TokenTree::Punct(punct) => punct.as_char() == ';',
                TokenTree::Ident(ident) => ident == "pub",
                TokenTree::Group(group) if is_group && group.delimiter() == Delimiter::Brace => {
                    self.bind_statements(&group.stream());
                    true
                }
                _ => false,
            };
        }
    }

    /// Binds each `i` of `i in range`.
    fn bind_indices(&mut self, tokens: TokenStream) {
        let mut trees = tokens.into_iter().peekable();
        while let Some(tree) = trees.next() {
            if let (TokenTree::Ident(ident), Some(TokenTree::Ident(word))) = (&tree, trees.peek())
                && word == "in"
            {
                self.bind(ident);
            }
        }
    }

    fn bind_use(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => self.bind_use(&path.tree),
            UseTree::Name(name) => self.bind(&name.ident),
            UseTree::Rename(rename) => self.bind(&rename.rename),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.bind_use(tree)),
            UseTree::Glob(_) => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.has_glob = true;
                }
            }
        }
    }
}

/// Whether any identifier among tokens is as `is_it` says.
fn any_name(tokens: &TokenStream, is_it: &dyn Fn(&str) -> bool) -> bool {
    tokens.clone().into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => is_it(&ident.to_string()),
        TokenTree::Group(group) => any_name(&group.stream(), is_it),
        _ => false,
    })
}
