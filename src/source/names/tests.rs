//! Tests of the names of frames.

use super::*;

/// A folder with these empty files.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("in the folder")).expect("made");
        fs::write(path, "").expect("written");
    }
    folder
}

/// What a name relative to the folder stands for, as text.
fn found(folder: &Path, name: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    expand_one(name, folder, 0, &mut found)?;
    let shown = |named: &Named| {
        let path = named
            .path
            .strip_prefix(folder)
            .expect("in the folder")
            .display();
        named
            .hdu
            .as_ref()
            .map_or(path.to_string(), |hdu| format!("{path} {hdu:?}"))
    };
    Ok(found.iter().map(shown).collect())
}

fn fault(folder: &Path, name: &str) -> String {
    found(folder, name)
        .expect_err("nothing is found")
        .to_string()
}

#[test]
fn a_literal_name_comes_before_a_suffix_and_a_suffix_before_a_pattern() {
    let dir = folder(&[
        "M31[1].fits",
        "M311.fits",
        "f.fits",
        "f.fits[2]",
        "g.fits",
        "g.fits2",
        "@x.fits",
    ]);
    let dir = dir.path();
    assert_eq!(found(dir, "M31[1].fits").expect("found"), ["M31[1].fits"]);
    assert_eq!(found(dir, "f.fits[2]").expect("found"), ["f.fits[2]"]);
    assert_eq!(
        found(dir, "f.fits[1]").expect("found"),
        ["f.fits Number(1)"]
    );
    assert_eq!(
        found(dir, "f.fits[SCI]").expect("found"),
        ["f.fits Name(\"SCI\", None)"]
    );
    assert_eq!(
        found(dir, "f.fits[SCI,2]").expect("found"),
        ["f.fits Name(\"SCI\", Some(2))"]
    );
    assert_eq!(
        found(dir, "g.fits[2]").expect("found"),
        ["g.fits Number(2)"]
    );
    assert_eq!(found(dir, "M31[0-9].fits").expect("found"), ["M311.fits"]);
    assert_eq!(
        found(dir, "[fg].fits[1]").expect("found"),
        ["f.fits Number(1)", "g.fits Number(1)"]
    );
    assert_eq!(found(dir, "@x.fits").expect("found"), ["@x.fits"]);
}

#[test]
fn a_folder_gives_its_fits_files_by_the_bytes_of_their_names() {
    let dir = folder(&[
        "n/b.fits",
        "n/B.FIT",
        "n/a.fts",
        "n/c.fits.fz",
        "n/d.Fit.gz",
        "n/e.fits.bz2",
        "n/.hidden.fits",
        "n/notes.txt",
        "n/sub/z.fits",
        "n/folder.fits/x.fits",
        "none/readme",
    ]);
    let dir = dir.path();
    let all = [
        "n/B.FIT",
        "n/a.fts",
        "n/b.fits",
        "n/c.fits.fz",
        "n/d.Fit.gz",
        "n/e.fits.bz2",
    ];
    assert_eq!(found(dir, "n").expect("found"), all);
    assert_eq!(found(dir, "n/").expect("found"), all);
    assert_eq!(found(dir, "n/s*").expect("found"), ["n/sub/z.fits"]);
    assert!(fault(dir, "none").contains("no FITS file (.fits, .fit, .fts) in the folder"));
}

#[test]
fn a_list_is_relative_to_itself_and_may_hold_any_form() {
    let dir = folder(&["l/a.fits", "l/b#1.fits", "l/n/c.fits", "l/n/d.fits"]);
    let dir = dir.path();
    let text = "# all\na.fits # one\n\n  b#1.fits\r\nn/[cd].fits\na.fits[1]\n@more.txt\n";
    fs::write(dir.join("l/frames.txt"), text).expect("written");
    fs::write(dir.join("l/more.txt"), "n\n").expect("written");
    let all = [
        "l/a.fits",
        "l/b#1.fits",
        "l/n/c.fits",
        "l/n/d.fits",
        "l/a.fits Number(1)",
        "l/n/c.fits",
        "l/n/d.fits",
    ];
    assert_eq!(found(dir, "@l/frames.txt").expect("found"), all);
    fs::write(dir.join("l/bad.txt"), "a.fits\nlost.fits\n").expect("written");
    assert!(fault(dir, "@l/bad.txt").contains("lost.fits' (line 2 of "));
    fs::write(dir.join("self.txt"), "@self.txt\n").expect("written");
    assert!(fault(dir, "@self.txt").contains("does one name itself?"));
    fs::write(dir.join("empty.txt"), "# nothing\n").expect("written");
    assert!(fault(dir, "@empty.txt").contains("names none"));
    assert!(fault(dir, "@lost.txt").contains("cannot read the list"));
}

#[test]
fn what_is_not_found_is_named() {
    let dir = folder(&["a.fits", ".b.fits"]);
    let dir = dir.path();
    assert!(fault(dir, "x.fits").contains("there is no file"));
    assert!(fault(dir, "x.fits[1]").contains("of which it could be an HDU"));
    assert!(fault(dir, "x*.fits").contains("nothing matches"));
    assert!(fault(dir, "?b.fits").contains("nothing matches"));
    assert!(fault(dir, "[.fits").contains("pattern"));
    assert!(expand(&[]).is_err());
}
