//! How the files of a crate import each other: at most four files in a circle, so that a file can be read with its
//! neighbours.
//!
//! Every `use` and every path in the code counts, except in tests. A re-exported name counts as an import of the file
//! that defines it. Re-exporting a name is not an import, unless the file uses that name itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, UseTree, Visibility};

use crate::workspace;

/// The most files that may import each other.
const LARGEST_CIRCLE: usize = 4;

/// The path of a module from the root of the crate.
type Module = Vec<String>;

/// The modules of a crate that have their own file, and the paths in each.
#[derive(Default)]
struct Crate {
    files: BTreeSet<Module>,
    uses: BTreeMap<Module, Paths>,
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|flag| flag == "test")
    })
}

impl Crate {
    /// Reads `module` and all modules below it, except tests.
    fn read(&mut self, source: &Path, module: &Module) {
        let nested = module.join("/");
        let path = match module.as_slice() {
            [] if source.join("lib.rs").exists() => source.join("lib.rs"),
            [] => source.join("main.rs"),
            _ => source.join(format!("{nested}.rs")),
        };
        let file =
            syn::parse_file(&fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()))).unwrap();
        for item in &file.items {
            let Item::Mod(ItemMod { attrs, ident, content: None, .. }) = item else { continue };
            if !is_test(attrs) {
                let below = module.iter().cloned().chain([ident.to_string()]).collect();
                self.read(source, &below);
            }
        }
        let mut paths = Paths::default();
        paths.visit_file(&file);
        self.files.insert(module.clone());
        self.uses.insert(module.clone(), paths);
    }

    /// Returns the file that a path in `module` leads to, if it is in this crate. `depth` limits chains of re-exports.
    fn target(&self, module: &Module, path: &[String], depth: u8) -> Option<Module> {
        let mut base: Module = match path.first()?.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => module.clone(),
            first => {
                let child: Module = module.iter().cloned().chain([first.to_owned()]).collect();
                self.files.contains(&child).then(|| module.clone())?
            }
        };
        let mut rest = path;
        while let [first, others @ ..] = rest {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => _ = base.pop()?,
                name => {
                    let child: Module = base.iter().cloned().chain([name.to_owned()]).collect();
                    if !self.files.contains(&child) {
                        break;
                    }
                    base = child;
                }
            }
            rest = others;
        }
        let renamed = rest.first().filter(|_| depth > 0).and_then(|name| self.uses.get(&base)?.names.get(name));
        renamed.and_then(|path| self.target(&base, path, depth - 1)).or(Some(base))
    }

    fn imports(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let of = |(module, paths): (&Module, &Paths)| {
            let used = paths.names.iter().filter(|(name, _)| paths.single.contains(*name)).map(|(_, path)| path);
            let targets = paths.found.iter().chain(used).filter_map(|path| self.target(module, path, 8));
            (module.clone(), targets.filter(|target| target != module).collect())
        };
        self.uses.iter().map(of).collect()
    }
}

/// Every path in a file.
#[derive(Default)]
struct Paths {
    /// Imports, and paths in the code.
    found: Vec<Vec<String>>,
    /// Names that `use` imports, for this file or for others, with their paths.
    names: BTreeMap<String, Vec<String>>,
    /// Names that the code uses without a path.
    single: BTreeSet<String>,
}

impl Paths {
    /// Reads a `use`. `own` means that the file imports it for itself, not for others.
    fn expand(&mut self, before: &[String], tree: &UseTree, own: bool) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
        let (name, path) = match tree {
            UseTree::Path(path) => return self.expand(&with(path.ident.to_string()), &path.tree, own),
            UseTree::Group(group) => return group.items.iter().for_each(|tree| self.expand(before, tree, own)),
            UseTree::Glob(_) => return self.found.push(before.to_vec()),
            UseTree::Name(name) => (name.ident.to_string(), with(name.ident.to_string())),
            UseTree::Rename(name) => (name.rename.to_string(), with(name.ident.to_string())),
        };
        if own {
            self.found.push(path.clone());
        }
        self.names.insert(name, path);
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.expand(&[], &item.tree, matches!(item.vis, Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>();
        if let (None, Some(first)) = (&path.leading_colon, names.first()) {
            self.single.insert(first.clone());
            if names.len() > 1 {
                self.found.push(names);
            }
        }
        visit::visit_path(self, path);
    }
}

/// Returns every module that `from` leads to, directly or indirectly.
fn reached(from: &Module, imports: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    let mut left = vec![from.clone()];
    while let Some(module) = left.pop() {
        for target in imports.get(&module).into_iter().flatten() {
            if found.insert(target.clone()) {
                left.push(target.clone());
            }
        }
    }
    found
}

fn name(module: &Module) -> String {
    if module.is_empty() { "the root".to_owned() } else { module.join("::") }
}

/// The circles of a crate: sets of files each of which leads to all others.
fn circles(imports: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<BTreeSet<Module>> {
    let reach: BTreeMap<&Module, BTreeSet<Module>> =
        imports.keys().map(|from| (from, reached(from, imports))).collect();
    let circle = |module: &Module| {
        reach[module].iter().filter(|other| reach[other].contains(module)).cloned().collect::<BTreeSet<Module>>()
    };
    imports.keys().map(circle).filter(|circle| circle.len() > 1).collect()
}

#[test]
fn no_more_than_four_files_import_each_other() {
    let root = workspace();
    let mut too_large = Vec::new();
    let mut read = 0;
    for folder in ["shared", "functions", "infra"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let source = entry.unwrap().path().join("src");
            if !source.is_dir() {
                continue;
            }
            let mut files = Crate::default();
            files.read(&source, &Vec::new());
            read += files.files.len();
            let imports = files.imports();
            for circle in circles(&imports) {
                if circle.len() > LARGEST_CIRCLE {
                    too_large.push(format!("{}: {} files", source.display(), circle.len()));
                    for from in &circle {
                        let to: Vec<String> = imports[from].intersection(&circle).map(name).collect();
                        too_large.push(format!("  {} imports {}", name(from), to.join(", ")));
                    }
                }
            }
        }
    }
    assert!(read > 100, "only {read} files were read");
    assert!(too_large.is_empty(), "\n{}", too_large.join("\n"));
}

#[test]
fn finds_circles() {
    let module = |name: &str| vec![name.to_owned()];
    let imports = BTreeMap::from([
        (module("a"), BTreeSet::from([module("b")])),
        (module("b"), BTreeSet::from([module("c")])),
        (module("c"), BTreeSet::from([module("a"), module("d")])),
        (module("d"), BTreeSet::new()),
    ]);
    let found = circles(&imports);
    assert_eq!(found, BTreeSet::from([BTreeSet::from(["a", "b", "c"].map(module))]));
}
