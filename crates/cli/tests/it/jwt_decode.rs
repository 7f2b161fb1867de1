//! `hallpass jwt decode`: what it prints, and what it does not swallow.

use crate::hallpass::Home;

/// `{"alg":"none","kid":"default"}` and `{"sub":"ada","iat":0,"exp":1,"iss":"x\u202e"}`.
const TOKEN: &str = "eyJhbGciOiJub25lIiwia2lkIjoiZGVmYXVsdCJ9.\
    eyJzdWIiOiJhZGEiLCJpYXQiOjAsImV4cCI6MSwiaXNzIjoieFx1MjAyZSJ9.";

#[test]
fn a_token_is_shown_with_its_times_in_words_and_as_not_verified() {
    let home = Home::new();
    for words in [&["jwt", "decode"][..], &["jwt", "decode", "-"]] {
        let ran = home.run_with(words, &format!("Bearer {TOKEN}\n"));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
        let start = "Header\n{\n  \"alg\": \"none\",\n  \"kid\": \"default\"\n}\nClaims\n{\n";
        assert!(ran.stdout.starts_with(start), "{ran}");
        assert!(ran.stdout.contains("\"sub\": \"ada\""), "{ran}");
        // Row C-83: it cannot turn the reading direction of the terminal.
        assert!(ran.stdout.contains(r#""iss": "x\u202e""#), "{ran}");
        assert!(
            ran.stdout
                .contains("  iat        1970-01-01T00:00:00Z  issued "),
            "{ran}"
        );
        assert!(
            ran.stdout
                .contains("  exp        1970-01-01T00:00:01Z  expired "),
            "{ran}"
        );
        assert!(ran.stdout.contains(" ago\n"), "{ran}");
        let end = "\nNot verified: anybody could have written this.\n";
        assert!(ran.stdout.ends_with(end), "{ran}");
    }
}

#[test]
fn a_program_reads_header_and_claims() {
    let ran = Home::new().run_with(&["jwt", "decode", "--json"], TOKEN);
    let json = ran.json();
    assert_eq!(json["schema"], "hallpass.jwt/1");
    assert_eq!(json["verified"], false);
    assert_eq!(json["header"]["alg"], "none");
    assert_eq!(json["claims"]["sub"], "ada");
}

#[test]
fn garbage_is_refused_in_one_sentence() {
    let home = Home::new();
    for (stdin, said) in [
        ("", "standard input is empty"),
        ("\n\n", "standard input is empty"),
        ("opaque", "it has 1 parts, not three"),
        ("a.b.c.d.e", "this token is encrypted"),
        ("%%.e30.x", "its header part is not base64url"),
        ("bnVsbA.e30.x", "its header part is no JSON object"),
        ("e30.WzFd.x", "its claims part is no JSON object"),
    ] {
        let ran = home.run_with(&["jwt", "decode"], stdin);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{stdin}: {ran}");
        assert!(
            ran.stderr.lines().next().unwrap_or_default().contains(said),
            "{stdin}: {ran}"
        );
    }
    let long = "x".repeat(100_000);
    let ran = home.run_with(&["jwt", "decode"], &long);
    assert!(ran.code == 1 && ran.stderr.len() < 200, "{ran}");
}

#[test]
fn nothing_but_text_is_read() {
    let home = Home::new();
    let ran = home
        .command(&["jwt", "decode"])
        .write_stdin([0xff, 0x00, 0x80])
        .output();
    assert_eq!(ran.unwrap().status.code(), Some(1));
}
