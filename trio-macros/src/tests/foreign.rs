//! Async functions that nobody wrote for this: those of the crates that the workspace depends on, whose
//! sources cargo has unpacked on this machine, and those in the directories that `TRIO_FOREIGN_SOURCES`
//! lists.
//!
//! Where the sources are, the compiler has written down beside this test, for each crate that it was
//! built with: so they are found wherever cargo keeps them, and tokio's, on which this crate depends for
//! the purpose, are always there. The registry has those of the rest of the workspace, if it has been
//! built.

use std::path::{Path, PathBuf};
use std::{env, fs};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::options::Kind;

/// One function, from its `async` to the end of its body.
pub struct Foreign {
    pub file: PathBuf,
    pub name: String,
    /// What it would be here: a test and a `main` of another runtime are no task functions, unless
    /// something is handed to them.
    pub kind: Kind,
    pub tokens: TokenStream,
}

/// All functions that can be found.
pub fn functions() -> Vec<Foreign> {
    let mut found = Vec::new();
    for package in packages() {
        for file in sources(&package) {
            // Some test files are no Rust, on purpose.
            let Ok(tokens) = fs::read_to_string(&file).unwrap_or_default().parse() else {
                continue;
            };
            collect(tokens, &mut |name, kind, tokens| {
                found.push(Foreign { file: file.clone(), name, kind, tokens });
            });
        }
    }
    found
}

/// The directories of the unpacked packages.
fn packages() -> Vec<PathBuf> {
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
        .unwrap_or_default();
    let locked = locked();
    let registries = children(&home.join("registry/src"));
    let unpacked = registries
        .iter()
        .flat_map(|registry| locked.iter().map(|package| registry.join(package)))
        .filter(|directory| directory.is_dir());
    let listed = env::var_os("TRIO_FOREIGN_SOURCES").unwrap_or_default();
    let listed: Vec<PathBuf> = env::split_paths(&listed).flat_map(|path| children(&path)).collect();
    let mut packages: Vec<PathBuf> = compiled().into_iter().chain(unpacked).chain(listed).collect();
    packages.sort();
    packages.dedup();
    packages
}

/// The directory of tokio, from what the compiler has noted about the files it has read.
fn compiled() -> Option<PathBuf> {
    let beside = env::current_exe().ok()?.parent()?.to_owned();
    let is_note = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("tokio-") && name.ends_with(".d")
    };
    let note = children(&beside).into_iter().find(is_note)?;
    let text = fs::read_to_string(note).ok()?;
    let file = text.split_whitespace().find(|word| word.ends_with("src/lib.rs"))?;
    Path::new(file).parent()?.parent().map(Path::to_owned)
}

/// `name-version` of every package in the workspace's lock file.
fn locked() -> Vec<String> {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    let text = fs::read_to_string(lock).unwrap_or_default();
    let quoted = |line: &str, key: &str| {
        Some(line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')?.to_owned())
    };
    let names = text.lines().filter_map(|line| quoted(line, "name"));
    // The first `version` is that of the format, which is not in quotes.
    let versions = text.lines().filter_map(|line| quoted(line, "version"));
    names.zip(versions).map(|(name, version)| format!("{name}-{version}")).collect()
}

fn children(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut children: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    children.sort();
    children
}

/// The Rust files in it, at any depth.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in children(directory) {
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Hands on every `async fn name … { … }` in the tree, also of those inside macros.
fn collect(tokens: TokenStream, found: &mut impl FnMut(String, Kind, TokenStream)) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (start, token) in tokens.iter().enumerate() {
        if let TokenTree::Group(group) = token {
            collect(group.stream(), found);
        }
        if let Some((name, end)) = function_at(&tokens[start..]) {
            let function = &tokens[start..=start + end];
            let kind = if has_arguments(function) { Kind::Task } else { kind(&tokens[..start]) };
            found(name, kind, function.iter().cloned().collect());
        }
    }
}

/// What the attributes before a function make of it: `#[tokio::test]`, `#[async_std::main]`.
fn kind(before: &[TokenTree]) -> Kind {
    // From the last token backwards, as long as there are attributes; `pub` may stand between.
    for token in before.iter().rev() {
        let last = match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => last_name(group),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => break,
            TokenTree::Punct(punct) if punct.as_char() == ';' => break,
            _ => continue,
        };
        match last.as_deref() {
            Some("test") => return Kind::Test,
            Some("main") => return Kind::Main,
            _ => {}
        }
    }
    Kind::Task
}

fn has_arguments(function: &[TokenTree]) -> bool {
    function.iter().find_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
            Some(!group.stream().is_empty())
        }
        _ => None,
    }) == Some(true)
}

/// The last name of an attribute's path.
fn last_name(attribute: &Group) -> Option<String> {
    let meta: syn::Meta = syn::parse2(attribute.stream()).ok()?;
    meta.path().segments.last().map(|segment| segment.ident.to_string())
}

/// The name of the async function that begins here, and where it ends.
fn function_at(tokens: &[TokenTree]) -> Option<(String, usize)> {
    let word = |index: usize| match tokens.get(index) {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    };
    if word(0)? != "async" {
        return None;
    }
    let keyword = if word(1)? == "unsafe" { 2 } else { 1 };
    if word(keyword)? != "fn" {
        return None;
    }
    let end = tokens.iter().position(|token| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    })?;
    Some((word(keyword + 1)?, end))
}
