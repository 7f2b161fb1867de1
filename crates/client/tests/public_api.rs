//! What programs may rely on is written down: a change of it shows in `docs/public-api.txt`.
//!
//! The lint `unreachable_pub` makes sure that what the source calls `pub` can be reached from outside, so
//! reading the source is enough. Implementations of traits are not listed. `HALLPASS_WRITE_PUBLIC_API=1 cargo test -p hallpass-client --test public_api`
//! writes the file anew; what a change means for users is `docs/embedding.md`, "Versions".

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a file that cannot be read fails the test"
)]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_public_api_is_the_one_that_is_written_down() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&source, &mut files);
    files.sort();
    let mut listing = String::from(
        "# The public items of crates/client, by file. Written by its test `public_api`.\n",
    );
    for file in files {
        let items = items(&fs::read_to_string(&file).unwrap());
        if !items.is_empty() {
            let name = file.strip_prefix(&source).unwrap().display().to_string();
            listing.extend(["\n", &name, "\n"]);
            listing.extend(items.iter().map(|item| format!("  {item}\n")));
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/public-api.txt");
    if std::env::var_os("HALLPASS_WRITE_PUBLIC_API").is_some() {
        fs::write(&path, &listing).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap();
    let (old, new): (Vec<_>, Vec<_>) = (written.lines().collect(), listing.lines().collect());
    let gone: Vec<_> = old.iter().filter(|line| !new.contains(line)).collect();
    let added: Vec<_> = new.iter().filter(|line| !old.contains(line)).collect();
    assert!(
        written == listing,
        "the public API changed; gone: {gone:#?}\nadded: {added:#?}\nif that is meant, run `just api`"
    );
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs") && !name.ends_with("_tests.rs") {
            files.push(path);
        }
    }
}

/// The public items of a file, each on one line. `rustfmt` decides how they are written.
fn items(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    // The public enum or trait, or the implemented type, that the lines stand in.
    let (mut inside, mut is_open) = (String::new(), false);
    while let Some(line) = lines.next() {
        if line == "mod tests {" {
            break;
        }
        let code = line.trim_start();
        let depth = line.len() - code.len();
        if depth == 0 && line.starts_with('}') {
            (inside, is_open) = (String::new(), false);
        }
        let is_item = code.starts_with("pub ") || (is_open && depth == 4 && is_member(code));
        if depth == 0 && (code.starts_with("impl") || code.starts_with("pub ")) {
            inside = name_of(code);
            is_open = code.starts_with("pub enum") || code.starts_with("pub trait");
        }
        if !is_item {
            continue;
        }
        let mut item = code.to_owned();
        while !is_whole(&item) {
            let Some(next) = lines.next() else { break };
            item.push(' ');
            item.push_str(next.trim());
        }
        let item = item.split(" {").next().unwrap_or_default();
        let item = item.trim_end_matches([',', ';', '{', ' ']);
        let item = item.replace("( ", "(").replace(", )", ")");
        found.push(if depth > 0 && !inside.is_empty() {
            format!("{inside}: {item}")
        } else {
            item
        });
    }
    found
}

/// A variant of an enum, or a function of a trait.
fn is_member(code: &str) -> bool {
    code.starts_with("fn ") || code.starts_with(|c: char| c.is_ascii_uppercase())
}

/// Up to the body, the value or the end.
fn is_whole(item: &str) -> bool {
    let count = |c| item.matches(c).count();
    count('(') == count(')') && item.ends_with(['{', ';', ',', '}'])
}

fn name_of(code: &str) -> String {
    let head = code.split(['{', '(', ';']).next().unwrap_or_default();
    let words = head.split_whitespace();
    let named: Vec<_> = words
        .filter(|word| !matches!(*word, "pub" | "enum" | "trait" | "struct" | "impl"))
        .collect();
    named.join(" ")
}
