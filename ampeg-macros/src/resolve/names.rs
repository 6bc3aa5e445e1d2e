//! The declarations of a graph: groups, the families in them, and their indices.
//!
//! A task without indices is a family with one member. `scope` resolves the names in bodies.

use crate::diagnostics::Diagnostics;
use crate::source;
use crate::syntax::{
    CLAUSE_WORDS, Group as GroupItem, Index as IndexItem, Item, Statement, name_of,
};
use quote::ToTokens;
use std::collections::HashMap;
use syn::{Attribute, Expr, Ident};

/// The groups, families and indices of a graph.
#[derive(Debug)]
pub(crate) struct Declarations {
    /// The graph itself, then its groups, each after the group around it.
    pub(crate) groups: Vec<Group>,
    /// In the order of their first statements.
    pub(crate) families: Vec<Family>,
    pub(crate) indices: Vec<Index>,
}

/// The declarations with one prefix.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// The group around it and its name there; `None` for the graph itself.
    pub(crate) parent: Option<(usize, Ident)>,
    pub(crate) docs: Vec<Attribute>,
    /// Its own indices, without those of the groups around it.
    pub(crate) indices: Vec<usize>,
    /// The hygiene context of its name.
    contexts: Vec<Option<String>>,
    /// In the order written.
    pub(crate) entries: Vec<Entry>,
    by_name: HashMap<String, Entry>,
}

/// The meaning of a name in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    Group(usize),
    Family(usize),
}

/// All tasks with one path.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: Ident,
    /// The hygiene contexts of its name in its statements.
    contexts: Vec<Option<String>>,
    pub(crate) group: usize,
    /// The statements that declare its members.
    pub(crate) statements: Vec<usize>,
    /// The number of indices at its own name.
    pub(crate) n_own: usize,
    pub(crate) docs: Vec<Attribute>,
    pub(crate) is_output: bool,
}

/// One index of a family or group, with the expression for its values.
#[derive(Debug)]
pub(crate) struct Index {
    /// `i` in `i in range`; `None` for a single value.
    pub(crate) name: Option<Ident>,
    pub(crate) expression: Expr,
}

/// A statement with its family and indices.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) statement: Statement,
    pub(crate) family: usize,
    /// Its indices: those of its groups, outermost first, then its own.
    pub(crate) indices: Vec<usize>,
}

impl Declarations {
    /// Declares all items; reports names that are taken or reserved, and statements of one family that contradict each
    /// other.
    pub(crate) fn declare(
        items: Vec<Item>,
        diagnostics: &mut Diagnostics,
    ) -> (Self, Vec<Declared>) {
        let mut declaration = Declaration {
            names: Self {
                groups: vec![Group::default()],
                families: Vec::new(),
                indices: Vec::new(),
            },
            statements: Vec::new(),
            diagnostics,
        };
        declaration.items(0, &[], items);
        let Declaration {
            mut names,
            statements,
            ..
        } = declaration;
        let has_pub = statements
            .iter()
            .any(|declared| declared.statement.visibility.is_some());
        for family in &mut names.families {
            family.is_output = family.is_output || !has_pub;
        }
        names.check_indices(&statements, diagnostics);
        (names, statements)
    }

    /// The meaning of a name in a group or, if the group has no such name, in the groups around it; and the group that has
    /// the name.
    pub(crate) fn find(&self, mut group: usize, name: &str) -> Option<(usize, Entry)> {
        loop {
            let scope = &self.groups[group];
            if let Some(&entry) = scope.by_name.get(name) {
                return Some((group, entry));
            }
            group = scope.parent.as_ref()?.0;
        }
    }

    /// As [`find`](Self::find), for a name that is used in a statement.
    ///
    /// As for variables, names with different hygiene contexts are different names: an expression that is passed to a macro
    /// uses the variables of the caller. But a whole statement that is passed to a macro uses the tasks of the macro's graph.
    pub(crate) fn find_used(
        &self,
        mut group: usize,
        statement: &Ident,
        ident: &Ident,
    ) -> Option<(usize, Entry)> {
        let is_of_statement = source::context(statement.span()) == source::context(ident.span());
        loop {
            let (found, entry) = self.find(group, &name_of(ident))?;
            if is_of_statement || self.is_declared_as(entry, ident) {
                return Some((found, entry));
            }
            group = self.groups[found].parent.as_ref()?.0;
        }
    }

    /// Whether a name with the same text means this entry.
    fn is_declared_as(&self, entry: Entry, ident: &Ident) -> bool {
        let contexts = match entry {
            Entry::Family(family) => &self.families[family].contexts,
            Entry::Group(group) => &self.groups[group].contexts,
        };
        contexts.contains(&source::context(ident.span()))
    }

    /// The meaning of a name in exactly this group.
    pub(crate) fn entry(&self, group: usize, name: &str) -> Option<Entry> {
        self.groups[group].by_name.get(name).copied()
    }

    /// The path of a group, without indices; empty for the graph itself.
    pub(crate) fn group_path(&self, group: usize) -> String {
        match &self.groups[group].parent {
            None => String::new(),
            Some((parent, name)) => self.join(*parent, name),
        }
    }

    /// The path of a family, without indices: `shard.b`.
    pub(crate) fn path(&self, family: usize) -> String {
        let family = &self.families[family];
        self.join(family.group, &family.name)
    }

    fn join(&self, group: usize, name: &Ident) -> String {
        match self.group_path(group) {
            path if path.is_empty() => name_of(name),
            path => format!("{path}.{}", name_of(name)),
        }
    }

    /// The number of indices of each name in a family's path: `[1, 0]` for `shard[i].b`.
    pub(crate) fn segments(&self, family: usize) -> Vec<usize> {
        let family = &self.families[family];
        let mut segments = vec![family.n_own];
        let mut group = family.group;
        while let Some((parent, _)) = &self.groups[group].parent {
            segments.push(self.groups[group].indices.len());
            group = *parent;
        }
        segments.reverse();
        segments
    }

    /// The number of indices of a group and of the groups around it.
    pub(crate) fn group_rank(&self, group: usize) -> usize {
        let scope = &self.groups[group];
        let around = scope
            .parent
            .as_ref()
            .map_or(0, |(parent, _)| self.group_rank(*parent));
        around + scope.indices.len()
    }

    /// All names in a group, in the order written.
    pub(crate) fn names_in(&self, group: usize) -> Vec<String> {
        let name = |entry: &Entry| match entry {
            Entry::Group(group) => {
                let parent = self.groups[*group].parent.as_ref();
                parent.map_or_else(String::new, |(_, name)| name_of(name))
            }
            Entry::Family(family) => name_of(&self.families[*family].name),
        };
        self.groups[group].entries.iter().map(name).collect()
    }

    /// Reports indices with equal names, and indices with the name of a task.
    fn check_indices(&self, statements: &[Declared], diagnostics: &mut Diagnostics) {
        let mut reported = vec![false; self.indices.len()];
        for declared in statements {
            let group = self.families[declared.family].group;
            for (position, &index) in declared.indices.iter().enumerate() {
                let Some(ident) = &self.indices[index].name else {
                    continue;
                };
                let name = name_of(ident);
                let earlier = declared.indices[..position].iter();
                let mut earlier = earlier.filter_map(|&index| self.indices[index].name.as_ref());
                let message = if earlier.any(|other| name_of(other) == name) {
                    format!("the index `{name}` is declared twice for this task")
                } else if self.find(group, &name).is_some() {
                    format!(
                        "`{name}` is declared in the graph too; an index needs a name of its own"
                    )
                } else {
                    continue;
                };
                if !std::mem::replace(&mut reported[index], true) {
                    diagnostics.error(ident, message);
                }
            }
        }
    }
}

struct Declaration<'a> {
    names: Declarations,
    statements: Vec<Declared>,
    diagnostics: &'a mut Diagnostics,
}

impl Declaration<'_> {
    fn items(&mut self, group: usize, around: &[usize], items: Vec<Item>) {
        for item in items {
            match item {
                Item::Group(item) => self.group(group, around, item),
                Item::Statement(statement) => self.statement(group, around, *statement),
            }
        }
    }

    fn group(&mut self, parent: usize, around: &[usize], item: GroupItem) {
        self.check_word(&item.name);
        let name = name_of(&item.name);
        let mut indices = around.to_vec();
        let own = self.indices(item.indices);
        indices.extend(&own);
        let group = self.names.groups.len();
        if let Some(&entry) = self.names.groups[parent].by_name.get(&name) {
            self.report_duplicate(&item.name, entry);
        } else {
            self.names.groups[parent]
                .by_name
                .insert(name, Entry::Group(group));
            self.names.groups[parent].entries.push(Entry::Group(group));
        }
        self.names.groups.push(Group {
            contexts: vec![source::context(item.name.span())],
            parent: Some((parent, item.name)),
            docs: item.docs,
            indices: own,
            ..Group::default()
        });
        self.items(group, &indices, item.items);
    }

    fn statement(&mut self, group: usize, around: &[usize], mut statement: Statement) {
        self.check_word(&statement.name);
        let own = self.indices(std::mem::take(&mut statement.indices));
        let name = name_of(&statement.name);
        let family = match self.names.groups[group].by_name.get(&name) {
            Some(&Entry::Family(family))
                if !own.is_empty() && self.names.families[family].n_own > 0 =>
            {
                self.check_together(family, &statement, own.len());
                family
            }
            Some(&Entry::Family(family)) if own.len() != self.names.families[family].n_own => {
                self.report_rank(family, &statement, own.len());
                self.new_family(group, own.len(), &statement)
            }
            Some(&entry) => {
                self.report_duplicate(&statement.name, entry);
                self.new_family(group, own.len(), &statement)
            }
            None => {
                let family = self.new_family(group, own.len(), &statement);
                self.names.groups[group]
                    .by_name
                    .insert(name, Entry::Family(family));
                self.names.groups[group].entries.push(Entry::Family(family));
                family
            }
        };
        let joined = &mut self.names.families[family];
        let context = source::context(statement.name.span());
        if !joined.contexts.contains(&context) {
            joined.contexts.push(context);
        }
        joined.statements.push(self.statements.len());
        joined.docs.append(&mut statement.docs);
        let indices = around.iter().copied().chain(own).collect();
        self.statements.push(Declared {
            statement,
            family,
            indices,
        });
    }

    fn new_family(&mut self, group: usize, n_own: usize, statement: &Statement) -> usize {
        self.names.families.push(Family {
            name: statement.name.clone(),
            contexts: Vec::new(),
            group,
            statements: Vec::new(),
            n_own,
            docs: Vec::new(),
            is_output: statement.visibility.is_some(),
        });
        self.names.families.len() - 1
    }

    fn indices(&mut self, items: Vec<IndexItem>) -> Vec<usize> {
        let first = self.names.indices.len();
        self.names
            .indices
            .extend(items.into_iter().map(|item| match item {
                IndexItem::Each { name, range } => Index {
                    name: Some(name),
                    expression: range,
                },
                IndexItem::Only(expression) => Index {
                    name: None,
                    expression,
                },
            }));
        (first..self.names.indices.len()).collect()
    }

    fn check_word(&mut self, ident: &Ident) {
        let name = name_of(ident);
        if CLAUSE_WORDS.contains(&&*name) {
            let message = format!("`{name}` begins a clause, so no task can have this name");
            self.diagnostics.error(ident, message);
        }
    }

    /// Reports a name that a task or group already has.
    fn report_duplicate(&mut self, ident: &Ident, entry: Entry) {
        let name = name_of(ident);
        let (what, first) = match entry {
            Entry::Family(family) => ("task", Some(&self.names.families[family].name)),
            Entry::Group(group) => {
                let parent = self.names.groups[group].parent.as_ref();
                ("group", parent.map(|(_, name)| name))
            }
        };
        self.diagnostics.error(
            ident,
            format!("a {what} named `{name}` is already declared"),
        );
        if let Some(first) = first {
            self.diagnostics
                .error(first, format!("`{name}` is declared here first"));
        }
    }

    fn report_rank(&mut self, family: usize, statement: &Statement, n_own: usize) {
        let family = &self.names.families[family];
        let name = name_of(&statement.name);
        let indices = |n: usize| match n {
            0 => "no index".to_owned(),
            1 => "one index".to_owned(),
            n => format!("{n} indices"),
        };
        let (here, first) = (indices(n_own), indices(family.n_own));
        self.diagnostics.error(
            &statement.name,
            format!("`{name}` has {here} here and {first} where it is declared first; each statement of a family has as many"),
        );
        self.diagnostics
            .error(&family.name, format!("`{name}` is declared here first"));
    }

    /// Reports contradictions between a statement and the earlier statements of its family.
    fn check_together(&mut self, family: usize, statement: &Statement, n_own: usize) {
        let known = &self.names.families[family];
        if known.n_own != n_own {
            self.report_rank(family, statement, n_own);
            return;
        }
        let name = name_of(&statement.name);
        if known.is_output != statement.visibility.is_some() {
            let message =
                format!("`{name}` is `pub` in one of its statements; so it is in all or in none");
            self.diagnostics.error(&statement.name, message);
        }
        let types = known
            .statements
            .iter()
            .filter_map(|&other| self.statements[other].statement.ty.as_ref());
        let text = |ty: &syn::Type| ty.to_token_stream().to_string();
        if let (Some(first), Some(ty)) = (types.into_iter().next(), &statement.ty)
            && text(first) != text(ty)
        {
            let message = format!(
                "the members of `{name}` are of one type, and another is written where it is declared first"
            );
            self.diagnostics.error(ty, message);
        }
    }
}
