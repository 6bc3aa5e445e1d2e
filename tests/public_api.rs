//! Compares the public interface with `docs/public-api.txt`, so that each change of the interface shows in review.
//!
//! This test reads the sources, so it does not see items that macros generate. It ignores `__private` and `messages`.
//! `AMPEG_UPDATE=1 cargo test --test public_api` writes the file anew.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string, write};
use std::path::Path;
use syn::{
    Attribute, Fields, File, ImplItem, Item, ItemImpl, TraitItem, Type, UseTree, Visibility,
    parse_quote,
};

const LIST: &str = "docs/public-api.txt";

#[test]
fn public_interface_is_the_one_in_the_list() {
    let found = interface();
    if std::env::var_os("AMPEG_UPDATE").is_some() {
        write(LIST, &found).unwrap();
    }
    let listed = read_to_string(LIST).unwrap();
    let differs = listed.lines().zip(found.lines()).find(|(a, b)| a != b);
    assert!(
        listed == found,
        "the public interface has changed, first at {differs:?}: \
         run `AMPEG_UPDATE=1 cargo test --test public_api` and review the difference of {LIST}"
    );
}

/// Every exported item with its methods and implementations, without bodies, docs and private parts.
fn interface() -> String {
    let mut names = BTreeSet::new();
    for path in ["src/lib.rs", "ampeg-schedule/src/schedule/mod.rs"] {
        for item in parse(Path::new(path)).items {
            if let Item::Use(item) = item
                && is_public(&item.vis)
            {
                leaves(&item.tree, &mut names);
            }
        }
    }
    let mut items = Vec::new();
    for folder in ["ampeg-schedule/src", "ampeg-runtime/src"] {
        read(Path::new(folder), &mut items);
    }
    let traits: BTreeSet<_> = items
        .iter()
        .filter_map(|item| match item {
            Item::Trait(item) => Some(item.ident.to_string()),
            _ => None,
        })
        .collect();
    let is_foreign = |name: &str| !traits.contains(name) || names.contains(name);
    let mut kept: Vec<(String, u8, String)> = items
        .into_iter()
        .filter_map(|item| strip(item, &is_foreign))
        .filter(|(name, ..)| names.contains(name))
        .map(|(name, rank, item)| {
            let attrs = Vec::new();
            let file = File {
                shebang: None,
                attrs,
                frontmatter: None,
                items: vec![item],
            };
            let text = prettyplease::unparse(&file);
            (name, rank, text.replace(" {}\n", ";\n"))
        })
        .collect();
    kept.sort();
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !kept.iter().any(|(kept, ..)| kept == *name))
        .collect();
    // Two structs that a macro declares, and two modules.
    let unseen = ["ProcessorId", "TaskId", "schedule", "worker_process"];
    assert_eq!(missing, unseen);
    kept.into_iter().map(|(_, _, text)| text).collect()
}

/// Adds the names that a `use` exports.
fn leaves(tree: &UseTree, names: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, names),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, names)),
        UseTree::Name(name) => names.extend([name.ident.to_string()]),
        UseTree::Rename(_) | UseTree::Glob(_) => {}
    }
}

fn parse(path: &Path) -> File {
    syn::parse_file(&read_to_string(path).unwrap()).unwrap()
}

/// Adds the items of all files in a folder, except tests.
fn read(folder: &Path, items: &mut Vec<Item>) {
    for entry in read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tests") && !path.ends_with("testing") {
                read(&path, items);
            }
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            items.extend(parse(&path).items);
        }
    }
}

/// The name that an item belongs to, its rank among the items of that name, and its public part.
fn strip(mut item: Item, is_foreign: &impl Fn(&str) -> bool) -> Option<(String, u8, Item)> {
    let name = match &mut item {
        Item::Struct(item) if is_public(&item.vis) => {
            keep_attributes(&mut item.attrs);
            strip_fields(&mut item.fields);
            item.ident.to_string()
        }
        Item::Enum(item) if is_public(&item.vis) => {
            keep_attributes(&mut item.attrs);
            for variant in &mut item.variants {
                keep_attributes(&mut variant.attrs);
                for field in &mut variant.fields {
                    field.attrs.clear();
                }
            }
            item.ident.to_string()
        }
        Item::Trait(item) if is_public(&item.vis) => {
            keep_attributes(&mut item.attrs);
            item.items.retain(|item| match item {
                TraitItem::Fn(function) => !is_hidden(&function.attrs),
                _ => true,
            });
            for item in &mut item.items {
                match item {
                    TraitItem::Fn(function) => {
                        keep_attributes(&mut function.attrs);
                        function.default = None;
                    }
                    TraitItem::Type(item) => item.attrs.clear(),
                    _ => {}
                }
            }
            item.ident.to_string()
        }
        Item::Type(item) if is_public(&item.vis) => {
            keep_attributes(&mut item.attrs);
            item.ident.to_string()
        }
        Item::Impl(item) => {
            return strip_impl(item, is_foreign)
                .map(|(name, rank, item)| (name, rank, Item::Impl(item)));
        }
        _ => return None,
    };
    Some((name, 0, item))
}

fn strip_impl(
    item: &mut ItemImpl,
    is_foreign: &impl Fn(&str) -> bool,
) -> Option<(String, u8, ItemImpl)> {
    let Type::Path(path) = &*item.self_ty else {
        return None;
    };
    let name = path.path.segments.last()?.ident.to_string();
    item.attrs.clear();
    if let Some((path, _)) = &item.trait_ {
        item.items.clear();
        let is_foreign = is_foreign(&path.segments.last()?.ident.to_string());
        return is_foreign.then(|| (name, 2, item.clone()));
    }
    item.items.retain_mut(|item| match item {
        ImplItem::Fn(function) if is_public(&function.vis) && !is_hidden(&function.attrs) => {
            keep_attributes(&mut function.attrs);
            function.block = parse_quote!({});
            true
        }
        ImplItem::Const(item) => {
            item.attrs.clear();
            is_public(&item.vis)
        }
        _ => false,
    });
    (!item.items.is_empty()).then(|| (name, 1, item.clone()))
}

/// Removes all fields that are not public.
fn strip_fields(fields: &mut Fields) {
    match fields {
        Fields::Named(fields) => {
            let public = fields.named.clone().into_iter();
            fields.named = public.filter(|field| is_public(&field.vis)).collect();
            fields
                .named
                .iter_mut()
                .for_each(|field| field.attrs.clear());
        }
        Fields::Unnamed(fields) => {
            let public = fields.unnamed.clone().into_iter();
            fields.unnamed = public.filter(|field| is_public(&field.vis)).collect();
        }
        Fields::Unit => {}
    }
}

/// Removes all attributes that a user cannot observe.
fn keep_attributes(attributes: &mut Vec<Attribute>) {
    let kept = ["derive", "deprecated", "must_use", "non_exhaustive"];
    attributes.retain(|attribute| kept.iter().any(|kept| attribute.path().is_ident(kept)));
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    let hidden: Attribute = parse_quote!(#[doc(hidden)]);
    attributes.contains(&hidden)
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}
