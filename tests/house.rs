//! The house: who may import whom, one door a crate, `unsafe` in one room, files that can be read at one sitting.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Plain values that every room may use.
const WORDS: [&str; 14] = [
    "error", "units", "shape", "runs", "header", "tile", "level", "recipe", "pixels", "watch",
    "summary", "grammar", "checksum", "steps",
];

/// What each part of the house may import besides the words and itself. What is not listed here is a word.
const IMPORTS: [(&str, &[&str]); 18] = [
    ("kernel", &[]),
    ("sys", &[]),
    ("plan", &[]),
    ("packed", &[]),
    ("source", &["sys", "packed"]),
    ("decode", &["kernel"]),
    ("overscan", &[]),
    ("calibrate", &["kernel"]),
    ("measure", &["kernel"]),
    ("stack", &["kernel", "sys"]),
    ("packing", &["packed"]),
    ("sink", &["sys", "packing"]),
    (
        "pipeline",
        &[
            "sys",
            "plan",
            "source",
            "decode",
            "overscan",
            "calibrate",
            "measure",
            "stack",
            "sink",
            "kernel",
        ],
    ),
    ("demo", &["combine", "sink", "source", "decode"]),
    ("fuzzing", &["sink", "packed"]),
    ("cli", &["combine", "demo", "sys", "plan"]),
    (
        "lib",
        &["combine", "demo", "cli", "sys", "plan", "pipeline"],
    ),
    ("main", &[]),
];

/// The only places where a crate may be named; an empty list is everywhere.
const DOORS: [(&str, &[&str]); 26] = [
    ("anyhow", &["cli/", "main.rs"]),
    ("bzip2", &["source/"]),
    ("clap", &["cli/", "main.rs"]),
    ("crossbeam_channel", &["pipeline/"]),
    ("fearless_simd", &["kernel/"]),
    ("fitsio", &["sys"]),
    ("fitsio_sys", &["sys"]),
    ("flate2", &["packed/", "packing/", "source/"]),
    ("glob", &["source/"]),
    ("indicatif", &["cli/"]),
    ("jiff", &["sink/", "source/"]),
    ("libc", &["sys"]),
    ("memmap2", &["sys"]),
    ("nalgebra", &["overscan/"]),
    ("rayon", &["pipeline/"]),
    ("rlimit", &["source/", "sys", "cli/", "main.rs"]),
    ("serde", &[]),
    ("serde_json", &["cli/", "sink/"]),
    ("signal_hook", &["cli/", "main.rs"]),
    ("statrs", &["stack/"]),
    ("sysinfo", &["cli/"]),
    ("tempfile", &["sink/", "source/"]),
    ("thiserror", &["error.rs"]),
    ("tracing", &[]),
    ("tracing_subscriber", &["cli/", "main.rs"]),
    ("xxhash_rust", &["checksum.rs"]),
];

/// A source file: its path below the folder, and its text.
struct Source {
    path: String,
    text: String,
    /// Whether the file is there for tests only.
    is_test: bool,
}

impl Source {
    /// The modules that it declares for tests, as paths without `.rs`.
    fn modules_of_tests(&self) -> Vec<String> {
        let folder = self
            .path
            .trim_end_matches(".rs")
            .trim_end_matches("mod")
            .trim_end_matches('/');
        let declared = self
            .text
            .split("#[cfg(test)]\nmod ")
            .skip(1)
            .map(identifier_and_rest);
        let alone = declared.filter(|(_, rest)| rest.starts_with(';'));
        alone.map(|(name, _)| format!("{folder}/{name}")).collect()
    }

    /// The code: without comments, and without tests.
    fn code(&self) -> String {
        if self.is_test {
            return String::new();
        }
        let code = self
            .text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or("");
        code.lines()
            .map(|line| line.split("//").next().unwrap_or(""))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The part of the house that the file belongs to.
    fn part(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap()
    }
}

/// Every Rust file of a folder of the repository.
fn files(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source {
                    path: path
                        .strip_prefix(&root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .to_owned(),
                    text,
                    is_test: false,
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let of_tests: Vec<String> = found.iter().flat_map(Source::modules_of_tests).collect();
    for source in &mut found {
        let stem = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
        source.is_test = of_tests
            .iter()
            .any(|module| stem == module || stem.starts_with(&format!("{module}/")));
    }
    found
}

/// The identifier that the text begins with, and what follows it.
fn identifier_and_rest(text: &str) -> (&str, &str) {
    let name = identifier(text);
    (name, &text[name.len()..])
}

/// The identifier that the text begins with.
fn identifier(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    &text[..end]
}

/// The places where a word stands by itself, as the text behind it.
fn after<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(word).filter_map(move |(at, _)| {
        let before = code[..at].chars().next_back();
        let alone = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        alone.then(|| &code[at + word.len()..])
    })
}

/// The modules and items of the crate's root that the code names.
fn imports(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for text in after(code, "crate::") {
        let Some(group) = text.strip_prefix('{') else {
            names.insert(identifier(text).to_owned());
            continue;
        };
        // The names at the top level of the group.
        let mut depth = 0;
        let mut fresh = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => fresh = true,
                c if depth == 0 && fresh && !c.is_whitespace() => {
                    names.insert(identifier(&group[at..]).to_owned());
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    names
}

/// Wants no findings, and tells all of them where there are any.
#[track_caller]
fn none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn the_arrow_of_use_points_down() {
    let mut found = Vec::new();
    for source in files("src") {
        let part = source.part();
        let allowed = IMPORTS
            .iter()
            .find(|(room, _)| *room == part)
            .map_or(&[][..], |(_, allowed)| allowed);
        for name in imports(&source.code()) {
            let own = name == part;
            let fine = match part {
                // Nothing of the house: slices in, slices out.
                "kernel" => own,
                _ => own || WORDS.contains(&name.as_str()) || allowed.contains(&name.as_str()),
            };
            if !fine {
                found.push(format!("src/{} imports {name}", source.path));
            }
        }
    }
    none(&found);
}

#[test]
fn no_path_climbs_out_of_its_room_by_super() {
    let mut found = Vec::new();
    for source in files("src") {
        let own = source
            .path
            .split('/')
            .filter(|step| *step != "mod.rs")
            .count();
        // As many steps up as the file lies deep lead to the root of the crate.
        let climb = "super::".repeat(own);
        if after(&source.code(), &climb).next().is_some() {
            found.push(format!("src/{}: {climb} leaves the room", source.path));
        }
    }
    none(&found);
}

#[test]
fn every_crate_has_one_door() {
    let mut found = Vec::new();
    for source in files("src") {
        let code = source.code();
        for (name, doors) in DOORS {
            let path = format!("{name}::");
            let named = after(&code, &path).next().is_some();
            if named && !doors.is_empty() && !doors.iter().any(|door| source.path.starts_with(door))
            {
                found.push(format!(
                    "src/{}: the door of {name} is {doors:?}",
                    source.path
                ));
            }
        }
    }
    none(&found);
}

#[test]
fn every_dependency_has_its_door_listed() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let dependencies = manifest
        .split("[dependencies]")
        .nth(1)
        .unwrap()
        .split("\n[")
        .next()
        .unwrap();
    let lines = dependencies
        .lines()
        .filter(|line| line.contains('=') && !line.starts_with('#'));
    let names = lines.map(|line| line.split('=').next().unwrap().trim().replace('-', "_"));
    let unlisted = names.filter(|name| !DOORS.iter().any(|(door, _)| door == name));
    none(&unlisted.collect::<Vec<_>>());
}

#[test]
fn unsafe_code_stands_in_one_room() {
    let mut found = Vec::new();
    // Put together here, so that this file does not hold it.
    let keyword = ["un", "safe"].concat();
    for folder in ["src", "tests", "benches", "examples"] {
        for source in files(folder) {
            let is_used =
                after(&source.code(), &keyword).any(|behind| behind.starts_with([' ', '{']));
            if is_used && !(folder == "src" && source.part() == "sys") {
                found.push(format!("{folder}/{}", source.path));
            }
        }
    }
    none(&found);
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut found = Vec::new();
    for folder in ["src", "tests", "benches", "examples"] {
        for source in files(folder) {
            let path = format!("{folder}/{}", source.path);
            let nline = source.text.lines().count();
            if nline > 400 {
                found.push(format!("{path} has {nline} lines"));
            }
            if !source.text.starts_with("//!") {
                found.push(format!("{path} does not begin with its purpose"));
            }
        }
    }
    none(&found);
}

#[test]
fn nothing_is_left_for_later() {
    let mut found = Vec::new();
    let unfinished = [
        ["to", "do!"],
        ["unimple", "mented!"],
        ["#[ig", "nore"],
        ["TO", "DO"],
        ["FIX", "ME"],
        ["#[al", "low("],
        ["#![al", "low("],
    ];
    for folder in ["src", "tests", "benches", "examples"] {
        for source in files(folder) {
            for word in unfinished.map(|parts| parts.concat()) {
                if source.text.contains(&word) {
                    found.push(format!("{folder}/{}: {word}", source.path));
                }
            }
        }
    }
    none(&found);
}

#[test]
fn files_are_named_after_what_they_are() {
    let nothing = [
        "util", "utils", "helper", "helpers", "common", "manager", "handler", "context", "process",
        "data", "info",
    ];
    let names = files("src").into_iter().map(|source| source.path);
    let found = names.filter(|path| {
        path.split(['/', '.', '_'])
            .any(|part| nothing.contains(&part))
    });
    none(&found.collect::<Vec<_>>());
}
