//! What the pages look like.

use super::*;

#[test]
fn a_logo_lies_beside_the_settings_and_is_shown_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logo.svg");
    std::fs::write(&path, PICTURE).unwrap();
    let toml = format!("{LEAST}[branding]\nlogo = \"logo.svg\"\naccent = \"#FE1\"\n");
    let settings = read_in(folder.path(), &toml, &[], None).unwrap();
    let branding = &settings.branding;
    assert_eq!(branding.logo.as_ref().unwrap().path(), path);
    assert_eq!(branding.accent.unwrap().to_string(), "#ffee11");
    let shown = settings.effective();
    for line in [
        "accent = \"#ffee11\"",
        &format!("logo = \"{}\"", path.display()),
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    // The environment wins, and what it names starts from the same folder.
    let variables = [
        ("HALLPASS__BRANDING__ACCENT", "#101010"),
        ("HALLPASS__BRANDING__LOGO", "other.svg"),
    ];
    let error = read_in(folder.path(), &toml, &variables, None).unwrap_err();
    let missing = folder.path().join("other.svg").display().to_string();
    assert!(error.to_string().contains(&missing), "{error}");
    std::fs::write(missing, PICTURE).unwrap();
    let settings = read_in(folder.path(), &toml, &variables, None).unwrap();
    assert_eq!(settings.branding.accent.unwrap().to_string(), "#101010");
}

#[test]
fn what_is_no_logo_is_named_with_its_path_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logo.svg");
    let toml = format!("{LEAST}[branding]\nlogo = \"logo.svg\"\n");
    let mut large = PICTURE.to_owned();
    large.push_str(&" ".repeat(256 * 1024));
    for (content, words, hint) in [
        (
            "<!doctype html><script>alert(1)</script>",
            "neither an SVG nor a PNG",
            "export it",
        ),
        ("<svg width=\"1\"/>", "xmlns", "plain SVG"),
        (&large, "is larger than 256 KiB", "smaller"),
    ] {
        std::fs::write(&path, content).unwrap();
        let error = read_in(folder.path(), &toml, &[], None).unwrap_err();
        let said = error.to_string();
        let place = format!("`branding.logo` names `{}`, which ", path.display());
        assert!(said.contains(&place) && said.contains(words), "{said}");
        assert!(error.hint().unwrap().contains(hint), "{error:?}");
    }
    let error = read(&format!("{LEAST}branding.accent = \"blue\""), &[]).unwrap_err();
    assert!(error.hint().unwrap().contains("#2457d6"));
    for (toml, words) in [
        ("branding.accent = \"blue\"", "which is no color"),
        ("branding.accent = \"#2457d\"", "which is no color"),
        ("branding.accent = \"#2457d6;}body{\"", "which is no color"),
        ("branding.accent = \"red;}body{\"", "which is no color"),
        ("branding.accent = \"\"", "which is no color"),
        ("branding.logo = \"absent.svg\"", "cannot be read"),
        ("branding.logo = \"\"", "is no regular file"),
        (
            "branding.logo = \"server.toml\"",
            "neither an SVG nor a PNG",
        ),
    ] {
        let error = read(&format!("{LEAST}{toml}"), &[]).unwrap_err();
        assert!(error.to_string().contains(words), "{toml}: {error}");
    }
}
