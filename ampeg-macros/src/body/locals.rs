//! The names that a body declares, and their scopes: blocks, patterns, items.
//!
//! It follows rustc's rules for local names. Any other name means a task, an index, or something around the graph.

use super::{Unknown, Why, format, is_variable, macros};
use crate::source;
use crate::syntax::name_of;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::HashSet;
use syn::{Block, Fields, ForeignItem, Ident, Item, ItemUse, LitStr, Macro, Pat, Stmt, UseTree};

/// The names of the body that are in scope at one point of it, innermost block last.
#[derive(Debug, Default)]
pub(crate) struct Locals {
    frames: Vec<Frame>,
}

/// The names that one block, arm or closure declares.
#[derive(Debug, Default)]
struct Frame {
    /// Variables, each with its hygiene context: with another context, the same name means another variable.
    variables: HashSet<Variable>,
    /// Functions, constants and imports: names of values that ignore hygiene.
    items: HashSet<String>,
    /// Types, modules and macros, and all names among the arguments of a macro that may declare something.
    others: HashSet<String>,
    /// Whether a glob import or a macro may declare items with names that the text does not show.
    has_hidden: bool,
}

impl Locals {
    pub(super) fn enter(&mut self) {
        self.frames.push(Frame::default());
    }

    pub(super) fn leave(&mut self) {
        self.frames.pop();
    }

    /// Whether a name that stands alone means something that the body declares.
    pub(super) fn binds(&self, ident: &Ident) -> bool {
        self.is_variable(ident) || {
            let name = name_of(ident);
            self.frames.iter().any(|frame| frame.items.contains(&name))
        }
    }

    fn is_variable(&self, ident: &Ident) -> bool {
        if self.frames.iter().all(|frame| frame.variables.is_empty()) {
            return false;
        }
        let variable = variable(ident);
        let mut frames = self.frames.iter();
        frames.any(|frame| frame.variables.contains(&variable))
    }

    /// The names among tokens that the body declares, or may declare.
    ///
    /// A name counts even if the tokens declare it themselves, or if a macro gives it another meaning.
    pub(super) fn declared(&self, tokens: &TokenStream) -> Vec<Unknown> {
        let mut declared = Vec::new();
        if !self.frames.is_empty() {
            self.add_declared(tokens.clone(), &mut declared);
        }
        declared
    }

    fn add_declared(&self, tokens: TokenStream, declared: &mut Vec<Unknown>) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, tree) in trees.iter().enumerate() {
            match tree {
                TokenTree::Group(group) => self.add_declared(group.stream(), declared),
                TokenTree::Ident(ident) if !is_further(&trees[..index]) => {
                    let is_called = is_called(&trees[index + 1..]);
                    declared.extend(self.unknown(ident, is_called));
                }
                TokenTree::Literal(literal) => {
                    let text = syn::parse_str::<LitStr>(&literal.to_string());
                    let names = text.map(|text| format::names(&text.value()));
                    for name in names.unwrap_or_default() {
                        let ident = Ident::new(&name, literal.span());
                        declared.extend(self.unknown(&ident, false));
                    }
                }
                _ => {}
            }
        }
    }

    /// Why a name alone or at the start of a path may mean something that the body declares; `None` if it cannot.
    fn unknown(&self, ident: &Ident, is_called: bool) -> Option<Unknown> {
        let name = name_of(ident);
        let is_item = |frame: &Frame| frame.items.contains(&name) || frame.others.contains(&name);
        let why = if self.is_variable(ident) {
            Why::Variable
        } else if self.frames.iter().any(is_item) {
            Why::Item
        } else {
            // A name in lower case that the body does not declare counts as a variable from around the graph.
            let may_be_hidden = (is_called || !is_variable(ident)) && is_name(&name);
            let has_hidden = self.frames.iter().any(|frame| frame.has_hidden);
            (may_be_hidden && has_hidden).then_some(Why::Hidden)?
        };
        let span = ident.span();
        Some(Unknown { name, span, why })
    }

    fn bind(&mut self, ident: &Ident) {
        if let Some(frame) = self.frames.last_mut() {
            frame.variables.insert(variable(ident));
        }
    }

    fn bind_item(&mut self, ident: &Ident) {
        if let Some(frame) = self.frames.last_mut() {
            frame.items.insert(name_of(ident));
        }
    }

    fn bind_other(&mut self, ident: &Ident) {
        if let Some(frame) = self.frames.last_mut() {
            frame.others.insert(name_of(ident));
        }
    }

    /// Binds the names of a pattern in the innermost scope.
    ///
    /// The name of a constant or unit struct is bound too: in a pattern it looks like a variable, and it is no use of a
    /// task in either case.
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

    /// Binds the items of a block. They are in scope in the whole block, also before their declaration.
    pub(super) fn bind_items(&mut self, block: &Block) {
        for statement in &block.stmts {
            match statement {
                Stmt::Item(item) => self.bind_declared(item),
                Stmt::Macro(statement) if macros::may_declare(&statement.mac) => {
                    self.bind_hidden(&statement.mac);
                }
                _ => {}
            }
        }
    }

    fn bind_declared(&mut self, item: &Item) {
        match item {
            Item::Fn(item) => self.bind_item(&item.sig.ident),
            Item::Const(item) => self.bind_item(&item.ident),
            Item::Static(item) => self.bind_item(&item.ident),
            Item::ForeignMod(block) => block.items.iter().for_each(|item| match item {
                ForeignItem::Fn(item) => self.bind_item(&item.sig.ident),
                ForeignItem::Static(item) => self.bind_item(&item.ident),
                ForeignItem::Type(item) => self.bind_other(&item.ident),
                _ => {}
            }),
            Item::Struct(item) if !matches!(item.fields, Fields::Named(_)) => {
                self.bind_item(&item.ident);
            }
            Item::Struct(item) => self.bind_other(&item.ident),
            Item::Enum(item) => self.bind_other(&item.ident),
            Item::Union(item) => self.bind_other(&item.ident),
            Item::Type(item) => self.bind_other(&item.ident),
            Item::Trait(item) => self.bind_other(&item.ident),
            Item::TraitAlias(item) => self.bind_other(&item.ident),
            Item::Mod(item) => self.bind_other(&item.ident),
            Item::ExternCrate(item) => {
                let rename = item.rename.as_ref().map(|(_, name)| name);
                self.bind_other(rename.unwrap_or(&item.ident));
            }
            Item::Use(ItemUse { tree, .. }) => self.bind_use(tree, None),
            Item::Macro(item) => match &item.ident {
                Some(name) => self.bind_other(name),
                None => self.bind_hidden(&item.mac),
            },
            _ => {}
        }
    }

    /// Records a macro that may declare items with any name, and with each name among its arguments.
    fn bind_hidden(&mut self, mac: &Macro) {
        if let Some(frame) = self.frames.last_mut() {
            frame.has_hidden = true;
            add_names(&mac.tokens, &mut frame.others);
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

    /// Binds imported names; `a::{self}` imports `a`.
    fn bind_use(&mut self, tree: &UseTree, around: Option<&Ident>) {
        match tree {
            UseTree::Path(path) => self.bind_use(&path.tree, Some(&path.ident)),
            UseTree::Name(name) if name.ident == "self" => {
                if let Some(name) = around {
                    self.bind_item(name);
                }
            }
            UseTree::Name(name) => self.bind_item(&name.ident),
            UseTree::Rename(rename) => self.bind_item(&rename.rename),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.bind_use(tree, around);
                }
            }
            UseTree::Glob(_) => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.has_hidden = true;
                }
            }
        }
    }
}

/// A variable: its name and hygiene context.
type Variable = (String, Option<String>);

fn variable(ident: &Ident) -> Variable {
    (name_of(ident), source::context(ident.span()))
}

/// Adds each name among tokens.
fn add_names(tokens: &TokenStream, names: &mut HashSet<String>) {
    for tree in tokens.clone() {
        match tree {
            TokenTree::Ident(ident) => {
                names.insert(name_of(&ident));
            }
            TokenTree::Group(group) => add_names(&group.stream(), names),
            _ => {}
        }
    }
}

/// Whether a name is no keyword.
fn is_name(name: &str) -> bool {
    syn::parse_str::<Ident>(name).is_ok()
}

/// Whether the name after these tokens is a field, a method, the rest of a path, or a label.
fn is_further(before: &[TokenTree]) -> bool {
    let punct = |tree: Option<&TokenTree>| match tree {
        Some(TokenTree::Punct(punct)) => punct.as_char(),
        _ => ' ',
    };
    let mut backwards = before.iter().rev();
    match (punct(backwards.next()), punct(backwards.next())) {
        ('.', before) => before != '.',
        (':', before) => before == ':',
        (last, _) => last == '\'',
    }
}

/// Whether the name before these tokens is the name of a called function, a macro, a module or a type.
fn is_called(after: &[TokenTree]) -> bool {
    match after {
        [TokenTree::Group(group), ..] => group.delimiter() == Delimiter::Parenthesis,
        [TokenTree::Punct(first), TokenTree::Punct(second), ..] => {
            let (first, second) = (first.as_char(), second.as_char());
            first == '!' && second != '=' || first == ':' && second == ':'
        }
        [TokenTree::Punct(punct), ..] => punct.as_char() == '!',
        _ => false,
    }
}
