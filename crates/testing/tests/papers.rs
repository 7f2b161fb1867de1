//! What the papers say is true: paths exist, lists are complete, the example is the crate's own.

#![allow(
    clippy::unwrap_used,
    reason = "a paper that cannot be read fails the test"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_link_of_a_paper_leads_to_a_file() {
    for paper in papers() {
        let text = fs::read_to_string(&paper).unwrap();
        let folder = paper.parent().unwrap();
        let broken: Vec<&str> = links(&text)
            .filter(|link| !link.contains("://") && !link.starts_with('#'))
            .filter(|link| !folder.join(link.split('#').next().unwrap()).exists())
            .collect();
        assert!(broken.is_empty(), "{}: {broken:?}", paper.display());
    }
}

#[test]
fn every_path_that_a_paper_names_exists() {
    for paper in papers() {
        let text = fs::read_to_string(&paper).unwrap();
        let missing: Vec<&str> = text
            .split(|c: char| c.is_whitespace() || "`()[]|,;\"".contains(c))
            .map(|word| word.trim_end_matches(['.', ':']))
            .filter(|word| word.starts_with("crates/") || word.starts_with("scripts/"))
            .filter(|path| !root().join(path).exists())
            .collect();
        assert!(missing.is_empty(), "{}: {missing:?}", paper.display());
    }
}

#[test]
fn the_example_of_the_readme_is_the_one_that_the_client_crate_compiles() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let shown: Vec<&str> = fenced(&readme, "rust").flat_map(str::lines).collect();
    let crate_root = fs::read_to_string(root().join("crates/client/src/lib.rs")).unwrap();
    let doc: Vec<&str> = crate_root
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    let doc = doc.join("\n");
    let compiled: Vec<&str> = fenced(&doc, "no_run").next().unwrap().lines().collect();
    assert_eq!(shown, compiled);
}

#[test]
fn the_dependency_record_lists_what_the_workspace_uses() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let used: BTreeSet<&str> = manifest
        .lines()
        .skip_while(|line| *line != "[workspace.dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('=').map(|(name, _)| name.trim()))
        .filter(|name| !name.starts_with('#') && !name.starts_with("hallpass-"))
        .collect();
    let record = fs::read_to_string(root().join("docs/adr/0002-dependencies.md")).unwrap();
    let recorded: BTreeSet<&str> = record
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(used, recorded);
}

/// Every Markdown file that people read: those at the top and those in `docs`.
fn papers() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [".", "docs", "docs/adr"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 5, "the papers are somewhere else: {found:?}");
    found
}

/// The targets of `[text](target)` and `src="target"`.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let marks = [("](", ')'), ("src=\"", '"')];
    marks.into_iter().flat_map(move |(open, close)| {
        text.split(open)
            .skip(1)
            .filter_map(move |rest| rest.split_once(close).map(|(link, _)| link))
    })
}

/// The fenced blocks of one language.
fn fenced<'a>(text: &'a str, language: &str) -> impl Iterator<Item = &'a str> {
    let open = format!("```{language}\n");
    let starts: Vec<usize> = text
        .match_indices(&open)
        .map(|(at, open)| at + open.len())
        .collect();
    starts
        .into_iter()
        .filter_map(move |start| text.get(start..)?.split_once("```"))
        .map(|(block, _)| block)
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
